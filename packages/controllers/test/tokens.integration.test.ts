import { isNotFound, resources } from '@bayplan/api';
import type { Secret } from '@bayplan/api';
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ kubelet: false });
});
afterAll(() => cluster.close());

const namespace = 'default';
const text = (secret: Secret, name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString();
const gone = (name: string, inNamespace = namespace): Promise<true> =>
  cluster.eventually(() =>
    cluster.client.get(resources.secrets, { namespace: inNamespace, name }).then(
      () => undefined,
      (error: unknown) => isNotFound(error),
    ),
  ) as Promise<true>;
const tokenSecret = (name: string, account: string): Secret => ({
  metadata: { namespace, name, annotations: { 'kubernetes.io/service-account.name': account } },
  type: 'kubernetes.io/service-account-token',
});

it('a Secret for a ServiceAccount gets a token that is good until either goes', async () => {
  await cluster.client.create(resources.serviceAccounts, { metadata: { namespace, name: 'robot' } });
  await cluster.client.create(resources.secrets, tokenSecret('robot-token', 'robot'));
  const filled = await cluster.until(resources.secrets, namespace, 'robot-token', (one) => one.data?.['token'] !== undefined);
  expect([text(filled, 'namespace'), text(filled, 'ca.crt')]).toEqual([namespace, cluster.api.caPem]);
  const token = text(filled, 'token');
  const review = () =>
    cluster.client.create(resources.tokenReviews, { metadata: {}, spec: { token } }).then((answer) => answer.status?.user?.username);
  expect(await review()).toBe('system:serviceaccount:default:robot');
  const expires = (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }).exp;
  expect(expires * 1000 - Date.now()).toBeGreaterThan(100 * 365 * 24 * 3_600_000);
  await cluster.client.delete(resources.serviceAccounts, { namespace, name: 'robot' });
  await gone('robot-token');
  expect(await review()).toBeUndefined();
  await cluster.client.create(resources.secrets, tokenSecret('nobody-token', 'nobody'));
  await gone('nobody-token');
});

it('bootstrap tokens sign the cluster-info and are removed when they expire', async () => {
  const token = (id: string, lifeMs: number): Secret => ({
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': '0123456789abcdef',
      expiration: new Date(Date.now() + lifeMs).toISOString(),
      'usage-bootstrap-signing': 'true',
    },
  });
  await cluster.client.create(resources.configMaps, {
    metadata: { namespace: 'kube-public', name: 'cluster-info' },
    data: { kubeconfig: 'text' },
  });
  await cluster.client.create(resources.secrets, token('aaaaaa', 3_600_000));
  await cluster.client.create(resources.secrets, token('bbbbbb', 1500));
  const info = await cluster.until(resources.configMaps, 'kube-public', 'cluster-info', (one) => Object.keys(one.data ?? {}).length === 3);
  const [header = '', payload, signature] = (info.data?.['jws-kubeconfig-aaaaaa'] ?? '').split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', kid: 'aaaaaa' });
  expect(payload).toBe('');
  const signed = `${header}.${Buffer.from('text').toString('base64url')}`;
  expect(signature).toBe(createHmac('sha256', '0123456789abcdef').update(signed).digest('base64url'));
  await gone('bootstrap-token-bbbbbb', 'kube-system');
  await cluster.until(resources.configMaps, 'kube-public', 'cluster-info', (one) => one.data?.['jws-kubeconfig-bbbbbb'] === undefined);
});
