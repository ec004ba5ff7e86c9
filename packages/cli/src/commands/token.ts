import { resources } from '@bayplan/api';
import type { Secret } from '@bayplan/api';
import { createClient, createRestTransport, loadKubeconfig } from '@bayplan/client';
import { createHash, randomInt, X509Certificate } from 'node:crypto';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const random = (length: number): string => Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');

/** What a joining machine is given: a bootstrap token, and the hash by which it knows the cluster's CA. */
export interface JoinToken {
  readonly id: string;
  readonly secret: string;
  /** SHA-256 of the CA certificate's DER, in hex. */
  readonly caHash: string;
}

export function formatJoinToken(token: JoinToken): string {
  return `${token.id}.${token.secret}.${token.caHash}`;
}

/** Undefined when the text is not a join token. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})\.([0-9a-f]{64})$/.exec(text.trim());
  return match ? { id: match[1] ?? '', secret: match[2] ?? '', caHash: match[3] ?? '' } : undefined;
}

export function caHashOf(caPem: string): string {
  return createHash('sha256').update(new X509Certificate(caPem).raw).digest('hex');
}

/** Creates a bootstrap token through the API and resolves with the text for `bayplan agent --token`. */
export async function createJoinToken(home: Home, ttlHours: number, nowMs: number): Promise<string> {
  const config = await loadKubeconfig(home.kubeconfig).catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(
      missing ? `${home.kubeconfig} does not exist` : `cannot read ${home.kubeconfig} (${(error as Error).message})`,
      'run this on a control-plane machine, with the BAYPLAN_HOME of its cluster',
    );
  });
  if (!config.caPem)
    throw new UserError(`${home.kubeconfig} names no certificate authority`, 'use the kubeconfig that `bayplan server` wrote');
  const transport = createRestTransport(config);
  const token: JoinToken = { id: random(6), secret: random(16), caHash: caHashOf(config.caPem) };
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${token.id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': token.id,
      'token-secret': token.secret,
      expiration: new Date(nowMs + ttlHours * 3_600_000).toISOString(),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'false',
      'auth-extra-groups': 'system:bootstrappers:bayplan',
      description: 'Lets a machine join with `bayplan agent`.',
    },
  };
  try {
    await createClient(transport).create(resources.secrets, secret);
  } catch (error) {
    throw new UserError((error as Error).message, 'check that the cluster runs');
  } finally {
    await transport.close();
  }
  return formatJoinToken(token);
}
