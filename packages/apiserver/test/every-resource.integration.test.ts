import { apiVersionOf, builtinResources, decodeProtobuf, protobufMediaType, resources } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { issueCertificate, systemClock } from '@bayplan/component-base';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';
import { fixedNames, smallObjects } from './every-resource.objects.ts';

interface Answer {
  readonly code: number;
  readonly bytes: Buffer;
  readonly body: KubeObject;
}

let api: TestApiServer;
let agent: Agent;

beforeAll(async () => {
  api = await startTestApiServer();
  const usages = ['client'] as const;
  const { certPem, keyPem } = await issueCertificate(
    api.keys.ca,
    { commonName: 'admin', organizations: ['system:masters'], usages: [...usages] },
    systemClock.now(),
  );
  agent = new Agent({ ca: api.caPem, cert: certPem, key: keyPem, keepAlive: true });
  await createClient(api.admin).create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
});
afterAll(async () => {
  agent.destroy();
  await api.close();
});

function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = { 'content-type': 'application/json' };
    const sent = request(`${api.url}${path}`, { method, agent, headers: { ...(body === undefined ? {} : type), ...headers } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const bytes = Buffer.concat(parts);
        const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
        resolve({ code: answer.statusCode ?? 0, bytes, body: (isJson ? JSON.parse(bytes.toString()) : {}) as KubeObject });
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const kinds = builtinResources.filter(({ group, version, resource }) => smallObjects[`${group}/${version}/${resource}`] !== undefined);

it('has a small object of every stable resource that can be created and read', () => {
  const stable = builtinResources.filter(
    ({ version, verbs }) => /^v\d+$/.test(version) && verbs.includes('create') && verbs.includes('get'),
  );
  // A request for a certificate needs a real one; it has tests of its own.
  const missing = stable
    .map(({ group, version, resource }) => `${group}/${version}/${resource}`)
    .filter((key) => smallObjects[key] === undefined);
  expect(missing).toEqual(['certificates.k8s.io/v1/certificatesigningrequests']);
});

describe.each(kinds)('$group/$version $resource', (ref) => {
  const key = `${ref.group}/${ref.version}/${ref.resource}`;
  const base = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const collection = `${base}${ref.namespaced ? '/namespaces/default' : ''}/${ref.resource}`;
  const name = fixedNames[key] ?? `small-${ref.version}`;
  const path = `${collection}/${name}`;

  it('survives create, get, update, patch, protobuf, status and deletion', async () => {
    const made = await ask('POST', collection, { apiVersion: apiVersionOf(ref), kind: ref.kind, metadata: { name }, ...smallObjects[key] });
    expect({ code: made.code, message: (made.body as { message?: string }).message }).toEqual({ code: 201, message: undefined });
    expect((await ask('POST', collection, made.body)).code).toBe(expectOnRepeat(made.body));

    const first = await ask('GET', path);
    expect(first.body.metadata).toMatchObject({ name, uid: made.body.metadata.uid });
    await vi.waitFor(async () => {
      const { bytes } = await ask('GET', path, undefined, { accept: protobufMediaType });
      const object = decodeProtobuf(bytes).object as unknown as KubeObject;
      expect(withoutManagers(object)).toEqual(withoutManagers((await ask('GET', path)).body));
    });

    // Somebody who reports its status may come between, here and above.
    const updated = await vi.waitFor(async () => {
      const answer = await ask('PUT', path, (await ask('GET', path)).body);
      expect(answer.code).toBe(200);
      return answer;
    });
    const labels = { metadata: { labels: { patched: 'yes' } } };
    const patched = await ask('PATCH', path, labels, { 'content-type': 'application/merge-patch+json' });
    expect(patched.body.metadata.labels).toMatchObject(labels.metadata.labels);
    const reported = { metadata: undefined, status: undefined };
    expect({ ...patched.body, ...reported }).toEqual({ ...updated.body, ...reported });
    const json = [{ op: 'add', path: '/metadata/annotations', value: { ...patched.body.metadata.annotations, b: 'c' } }];
    expect((await ask('PATCH', path, json, { 'content-type': 'application/json-patch+json' })).code).toBe(200);
    const stale = { ...first.body, metadata: { ...first.body.metadata, resourceVersion: '1' } };
    expect((await ask('PUT', path, stale)).code).toBe(409);

    const list = await ask('GET', `${collection}?labelSelector=patched%3Dyes`);
    expect((list.body as unknown as { items: KubeObject[] }).items.map(({ metadata }) => metadata.name)).toContain(name);
    const selected = await ask('GET', `${collection}?fieldSelector=metadata.name%3D${name}`);
    expect((selected.body as unknown as { items: KubeObject[] }).items).toHaveLength(1);
    const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    expect((await ask('GET', path, undefined, asTable)).body).toMatchObject({ kind: 'Table' });

    for (const { name: part } of ref.subresources.filter((one) => one.name === 'status' || one.name === 'scale')) {
      expect((await ask('GET', `${path}/${part}`)).code).toBe(200);
      // A part of the object changes nothing but itself.
      const elsewhere = { spec: { nonsense: 1, paused: true, suspend: true, unschedulable: true } };
      const answer = await ask('PATCH', `${path}/${part}`, part === 'status' ? elsewhere : {}, {
        'content-type': 'application/merge-patch+json',
      });
      expect(answer.code).toBe(200);
      expect(withoutStatus((await ask('GET', path)).body)).toEqual(withoutStatus(patched.body));
    }

    expect((await ask('PATCH', `${path}/nothing`, {}, { 'content-type': 'application/merge-patch+json' })).code).toBe(404);
    expect((await ask('DELETE', `${path}?dryRun=All`)).code).toBe(200);
    expect([200, 202]).toContain((await ask('DELETE', `${path}?gracePeriodSeconds=0`)).code);
  });
});

/** Creating what has a resourceVersion is refused. */
function expectOnRepeat(body: KubeObject): number {
  return body.metadata.resourceVersion === undefined ? 409 : 400;
}

function withoutStatus(object: KubeObject): object {
  return { ...object, metadata: undefined, status: undefined };
}

function withoutManagers(object: KubeObject): object {
  return { ...object, metadata: { ...object.metadata, managedFields: undefined } };
}
