import type { Secret } from '@bayplan/api';
import { createHmac, timingSafeEqual } from 'node:crypto';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
const namePrefix = 'bootstrap-token-';

/** A field of a bootstrap token as text; `''` when it is absent. */
export function tokenField(secret: Secret, name: string): string {
  return Buffer.from(secret.data?.[name] ?? '', 'base64').toString('utf8');
}

/** How long a token is still good, in ms: 0 when it has expired, undefined when it never does. */
export function lifetimeMs(secret: Secret, nowMs: number): number | undefined {
  const text = tokenField(secret, 'expiration');
  if (text === '') return undefined;
  const until = Date.parse(text);
  // As in Kubernetes, what cannot be read counts as expired: nobody can join with it.
  return Number.isNaN(until) ? 0 : Math.max(0, until - nowMs);
}

/** Id and secret of a token that may sign; undefined for one that may not or is malformed. */
export function signingToken(secret: Secret): { readonly id: string; readonly secret: string } | undefined {
  const id = tokenField(secret, 'token-id');
  const key = tokenField(secret, 'token-secret');
  const isSound = /^[a-z0-9]{6}$/.test(id) && /^[a-z0-9]{16}$/.test(key) && secret.metadata.name === `${namePrefix}${id}`;
  return isSound && tokenField(secret, 'usage-bootstrap-signing') === 'true' ? { id, secret: key } : undefined;
}

/** A detached JSON Web Signature over `content` (RFC 7515, appendix F), by which a joining machine knows that it is genuine. */
export function detachedSignature(content: string, id: string, key: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const payload = Buffer.from(content, 'utf8').toString('base64url');
  return `${header}..${createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')}`;
}

/** Compares signatures in the same time wherever they differ. */
export function sameSignature(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
