import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { systemClock } from '@bayplan/component-base';
import { openEmbeddedStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readEncryptionConfiguration } from '../src/keys/encryption-configuration.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

const head = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' };
const key = (name: string, bytes = 32) => ({ name, secret: randomBytes(bytes).toString('base64') });

describe('EncryptionConfiguration', () => {
  const read = (providers: unknown[], list: string[] = ['secrets']) =>
    readEncryptionConfiguration(JSON.stringify({ ...head, resources: [{ resources: list, providers }] }), 'file');
  it.each([
    [[{}], 'provider does not contain any of the expected providers'],
    [[{ identity: {}, aesgcm: { keys: [key('a')] } }], 'more than one provider specified in a single element'],
    [[{ kms: { name: 'x' } }], 'KMS providers are not supported'],
    [[{ aesgcm: { keys: [] } }], 'resources[0].providers[0].aesgcm.keys: Required value: at least one key must be defined'],
    [[{ aesgcm: { keys: [key('a', 5)] } }], 'secret is not of the expected length, got 5, expected one of [16 24 32]'],
    [[{ secretbox: { keys: [key('a', 16)] } }], 'expected one of [32]'],
    [[{ aescbc: { keys: [{ name: 'a', secret: '%%' }] } }], 'Invalid value: "REDACTED": secret must be base64 encoded'],
    [[{ aescbc: { keys: [key('a'), key('a')] } }], 'Duplicate value: "a"'],
    [[], 'at least one provider must be defined'],
  ])('refuses %j', (providers, message) => {
    expect(() => read(providers)).toThrow(message);
  });
  it('refuses resources that are none', () => {
    expect(() => read([{ identity: {} }], ['*'])).toThrow("use '*.' to encrypt all the resources from core API group");
    expect(() => read([{ identity: {} }], ['Pods'])).toThrow('resource must be in lower case');
  });
});

describe('values in the store', () => {
  let directory: string;
  let store: Store;
  let api: TestApiServer | undefined;
  const first = key('first');
  const second = key('second');
  const box = key('box');

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'bayplan-encryption-'));
    store = await openEmbeddedStore({ directory, clock: systemClock });
  });
  afterAll(async () => {
    await api?.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(entries: { resources: string[]; providers: unknown[] }[] | undefined) {
    await api?.close();
    const configFile = path.join(directory, 'encryption.yaml');
    if (entries !== undefined) await writeFile(configFile, JSON.stringify({ ...head, resources: entries }));
    api = await startTestApiServer({ listen: false, store, ...(entries === undefined ? {} : { encryption: { configFile } }) });
    return createClient(api.admin);
  }
  const raw = async (resource: string, name: string, group = 'core'): Promise<string> =>
    ((await store.get(`/registry/${group}/${resource}/default/${name}`)).item?.value ?? Buffer.alloc(0)).toString('latin1');
  const data = { password: Buffer.from('hunter2').toString('base64') };

  it('are sealed by the first key, and again by another when they are written', async () => {
    const before = await start(undefined);
    await before.create(resources.secrets, { metadata: { name: 's', namespace: 'default' }, data });
    expect(await raw('secrets', 's')).toMatch(/^bayplan:aesgcm:v1:/);
    for (const [providers, prefix] of [
      [[{ aesgcm: { keys: [first] } }, { identity: {} }], 'k8s:enc:aesgcm:v1:first:'],
      [[{ aesgcm: { keys: [second, first] } }], 'k8s:enc:aesgcm:v1:second:'],
      [[{ secretbox: { keys: [box] } }, { aesgcm: { keys: [second] } }], 'k8s:enc:secretbox:v1:box:'],
      [[{ aescbc: { keys: [first] } }, { secretbox: { keys: [box] } }], 'k8s:enc:aescbc:v1:first:'],
    ] as const) {
      const client = await start([{ resources: ['secrets'], providers: [...providers] }]);
      const present = await client.get(resources.secrets, { namespace: 'default', name: 's' });
      expect(present.data).toEqual(data);
      // As `kubectl get -o json | kubectl replace -f -` does: nothing changes but how it lies in the store.
      await client.update(resources.secrets, present);
      const value = await raw('secrets', 's');
      expect(value.slice(0, prefix.length)).toBe(prefix);
      expect(value).not.toContain(data.password);
      const revision = (await client.get(resources.secrets, { namespace: 'default', name: 's' })).metadata.resourceVersion;
      await client.update(resources.secrets, await client.get(resources.secrets, { namespace: 'default', name: 's' }));
      expect((await client.get(resources.secrets, { namespace: 'default', name: 's' })).metadata.resourceVersion).toBe(revision);
    }
    const plain = await start([{ resources: ['secrets'], providers: [{ identity: {} }, { aescbc: { keys: [first] } }] }]);
    await plain.update(resources.secrets, await plain.get(resources.secrets, { namespace: 'default', name: 's' }));
    expect(await raw('secrets', 's')).toContain(data.password);
  });

  it('of any resource may be', async () => {
    const client = await start([
      { resources: ['configmaps'], providers: [{ identity: {} }] },
      { resources: ['*.apps', '*.'], providers: [{ aesgcm: { keys: [first] } }, { identity: {} }] },
    ]);
    await client.create(resources.configMaps, { metadata: { name: 'c', namespace: 'default' } });
    await client.create(resources.serviceAccounts, { metadata: { name: 'a', namespace: 'default' } });
    await client.create(resources.controllerRevisions, { metadata: { name: 'r', namespace: 'default' }, data: {}, revision: 1 });
    expect(await raw('configmaps', 'c')).not.toContain('k8s:enc');
    expect(await raw('serviceaccounts', 'a')).toMatch(/^k8s:enc:aesgcm:v1:first:/);
    expect(await raw('controllerrevisions', 'r', 'apps')).toMatch(/^k8s:enc:aesgcm:v1:first:/);
    expect((await client.list(resources.serviceAccounts, { namespace: 'default' })).items).toHaveLength(1);
  });

  it('of custom resources may be', async () => {
    const client = await start([{ resources: ['codes.example.com'], providers: [{ aesgcm: { keys: [first] } }, { identity: {} }] }]);
    const schema = { openAPIV3Schema: { type: 'object', properties: { word: { type: 'string' } } } };
    const names = { plural: 'codes', kind: 'Code' };
    await client.create(resources.customResourceDefinitions, {
      metadata: { name: 'codes.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    const codes = { group: 'example.com', version: 'v1', resource: 'codes', kind: 'Code', namespaced: true };
    const made = { apiVersion: 'example.com/v1', kind: 'Code', metadata: { name: 'w', namespace: 'default' }, word: 'hunter2' };
    await vi.waitFor(() => client.create(codes, made));
    expect(await raw('codes', 'w', 'example.com')).toMatch(/^k8s:enc:aesgcm:v1:first:/);
    expect(await client.get(codes, { namespace: 'default', name: 'w' })).toMatchObject({ word: 'hunter2' });
    expect((await client.list(codes, { namespace: 'default' })).items).toMatchObject([{ word: 'hunter2' }]);
  });

  it('stay closed without their key', async () => {
    const client = await start(undefined);
    const failure = await client.list(resources.serviceAccounts, { namespace: 'default' }).then(
      () => expect.fail('should not open'),
      (error: unknown) => error as Error,
    );
    expect(failure.message).not.toContain('hunter2');
  });
});
