import { unescaped } from '../authentication/header-keys.ts';
import type { ApiRequest } from '../http/request.ts';
import type { User } from '../chain/user.ts';

/** The one client whom extension API servers believe what `X-Remote-` headers say. */
export const frontProxyName = 'front-proxy-client';
const extraPrefix = 'X-Remote-Extra-';

/** How a request that is handed on says whose it is. */
export function identityHeaders(user: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'X-Remote-User': user.name };
  if (user.uid !== undefined) headers['X-Remote-Uid'] = user.uid;
  if (user.groups.length > 0) headers['X-Remote-Group'] = [...user.groups];
  for (const [key, values] of Object.entries(user.extra)) headers[`${extraPrefix}${escapedKey(key)}`] = [...values];
  return headers;
}

/** What a header's name cannot hold is percent-encoded, and so is the percent sign. */
function escapedKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const text = String.fromCharCode(byte);
      return /[A-Za-z0-9!#$&'*+\-.^_`|~]/.test(text) ? text : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** Whom a front proxy's request says it is for. */
export interface RemoteIdentity {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: User['extra'];
}

/** Reads the same headers from a front proxy's request. Undefined when they name nobody. */
export function identityOf(request: ApiRequest): RemoteIdentity | undefined {
  const { headers } = request;
  const valuesOf = (name: string): readonly string[] =>
    (request.headerValues?.(name) ?? (headers[name] ?? '').split(',')).map((value) => value.trim()).filter((value) => value !== '');
  const name = headers['x-remote-user']?.trim();
  if (!name) return undefined;
  const uid = headers['x-remote-uid'];
  const extra: Record<string, readonly string[]> = {};
  for (const header of Object.keys(headers)) {
    if (header.startsWith(extraPrefix.toLowerCase())) extra[unescaped(header.slice(extraPrefix.length))] = valuesOf(header);
  }
  return { name, groups: valuesOf('x-remote-group'), extra, ...(uid ? { uid } : {}) };
}
