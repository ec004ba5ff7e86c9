import { resources } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient, createInformerFactory, createRestTransport } from '@bayplan/client';
import { silentLogger, systemClock, systemRandom } from '@bayplan/component-base';
import { startControllers } from '@bayplan/controllers';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinCluster } from '../../src/cluster/join.ts';
import { createJoinToken, parseJoinToken } from '../../src/commands/token.ts';
import type { JoinToken } from '../../src/commands/token.ts';
import { homeAt } from '../../src/home.ts';

let api: TestApiServer;
let directory: string;
let stopped: Promise<void>;
const stop = new AbortController();
const { signal } = stop;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bayplan-join-'));
  api = await startTestApiServer();
  const client = createClient(api.as({ name: 'system:kube-controller-manager' }));
  const informers = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
  ({ stopped } = startControllers({
    client: (identity) => createClient(api.as(identity)),
    informers,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ca: api.keys.ca,
    clusterCidr: '10.128.0.0/10',
    nodeCidrMaskSize: 22,
    leaderElection: false,
    signal,
  }));
  informers.start(signal);
  await informers.synced();
});
afterAll(async () => {
  stop.abort();
  await stopped;
  await api.close();
  await rm(directory, { recursive: true, force: true });
});

async function newToken(): Promise<JoinToken> {
  const home = homeAt(directory);
  await api.writeKubeconfig(home.kubeconfig);
  const token = parseJoinToken(await createJoinToken(home, 1, Date.now()));
  if (token === undefined) throw new Error('The token could not be read back');
  return token;
}

const join = (token: JoinToken) => joinCluster({ servers: [api.url], token, nodeName: 'west-1', nodeIp: '192.0.2.7', signal });

describe('joining a cluster', () => {
  it('turns a token into the certificates of a node', async () => {
    const credentials = await join(await newToken());
    expect(new X509Certificate(credentials.caPem).raw).toEqual(new X509Certificate(api.caPem).raw);
    const ca = new X509Certificate(api.caPem);
    const client = new X509Certificate(credentials.client.certPem);
    expect(client.verify(ca.publicKey)).toBe(true);
    expect(client.subject.split('\n').sort()).toEqual(['CN=system:node:west-1', 'O=system:nodes']);
    const serving = new X509Certificate(credentials.serving.certPem);
    expect(serving.verify(ca.publicKey)).toBe(true);
    expect(serving.subjectAltName).toBe('DNS:west-1, IP Address:192.0.2.7');

    const transport = createRestTransport({ server: [api.url], caPem: credentials.caPem, ...credentials.client, userAgent: 'test' });
    try {
      const node = await createClient(transport).create(resources.nodes, { metadata: { name: 'west-1' } });
      expect(node.metadata?.name).toBe('west-1');
    } finally {
      await transport.close();
    }
  });

  it('is refused when the server belongs to another cluster than the token', async () => {
    await expect(join({ ...(await newToken()), caHash: '0'.repeat(64) })).rejects.toThrow(/belongs to another cluster/);
  });

  it('is refused when the secret is wrong or has been withdrawn', async () => {
    const token = await newToken();
    await expect(join({ ...token, secret: '0'.repeat(16) })).rejects.toThrow(/does not know this token.*: make a new one/);
    await createClient(api.admin).delete(resources.secrets, { namespace: 'kube-system', name: `bootstrap-token-${token.id}` });
    await expect(join(token)).rejects.toThrow(/does not know this token.*: make a new one/);
  });
});
