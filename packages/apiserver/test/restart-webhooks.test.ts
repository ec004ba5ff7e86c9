import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { openMemoryStore } from '@bayplan/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
const webhook = {
  rules,
  clientConfig: { url: 'https://127.0.0.1:1/down' },
  failurePolicy: 'Fail',
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  timeoutSeconds: 1,
};

describe('a server whose store holds webhooks that fail everything', () => {
  const store = openMemoryStore();
  let again: TestApiServer;

  beforeAll(async () => {
    const first = await startTestApiServer({ store });
    const client = createClient(first.admin);
    // What the next server has to write again.
    await client.delete(resources.clusterRoles, { name: 'view' });
    await client.delete(resources.namespaces, { name: 'kube-node-lease' });
    await client.create(resources.validatingWebhookConfigurations, {
      metadata: { name: 'down' },
      webhooks: [{ ...webhook, name: 'down.example.com' }],
    });
    await client.create(resources.mutatingWebhookConfigurations, {
      metadata: { name: 'down' },
      webhooks: [{ ...webhook, name: 'down.example.com' }],
    });
    await first.close();
    again = await startTestApiServer({ store });
  }, 60_000);
  afterAll(async () => {
    await again.close();
    await store.close();
  });

  it('comes up, refuses what the webhooks cover and lets an administrator take them away', async () => {
    const client = createClient(again.admin);
    const object = { metadata: { name: 'one', namespace: 'default' } };
    await expect(client.create(resources.configMaps, object)).rejects.toThrow('failed calling webhook');
    await client.delete(resources.mutatingWebhookConfigurations, { name: 'down' });
    await client.delete(resources.validatingWebhookConfigurations, { name: 'down' });
    await expect.poll(() => client.create(resources.configMaps, object).then(() => 'made', String), { timeout: 5000 }).toBe('made');
  });
});
