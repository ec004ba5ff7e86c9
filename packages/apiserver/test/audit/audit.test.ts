import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { createMetricsRegistry, Counter, silentLogger, systemClock } from '@bayplan/component-base';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let directory: string;
let api: TestApiServer;

interface Event {
  readonly stage: string;
  readonly level: string;
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly name?: string };
  readonly responseStatus?: { readonly code: number };
  readonly [field: string]: unknown;
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'bayplan-audit-'));
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitManagedFields: true,
    rules: [
      { level: 'None', users: ['system:apiserver'] },
      { level: 'Metadata', resources: [{ group: '', resources: ['secrets'] }], omitStages: ['RequestReceived'] },
      { level: 'RequestResponse', resources: [{ group: '', resources: ['configmaps'] }], omitStages: ['RequestReceived'] },
      { level: 'Metadata' },
    ],
  };
  await writeFile(path.join(directory, 'policy.yaml'), JSON.stringify(policy));
  api = await startTestApiServer({
    listen: false,
    audit: { policyFile: path.join(directory, 'policy.yaml'), log: { path: path.join(directory, 'audit.log') } },
  });
});
afterAll(async () => {
  await api.close();
  await rm(directory, { recursive: true, force: true });
});

async function events(): Promise<Event[]> {
  const text = await readFile(path.join(directory, 'audit.log'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event]));
}

async function eventually(matches: (event: Event) => boolean): Promise<Event> {
  return vi.waitFor(async () => {
    const found = (await events()).find(matches);
    return found ?? expect.fail('no such event');
  });
}

it('records who did what, with bodies where the policy wants them', async () => {
  const bob = createClient(api.as({ name: 'bob', groups: ['system:masters'] }));
  await bob.create(resources.configMaps, { metadata: { name: 'c', namespace: 'default' }, data: { a: '1' } });
  const created = await eventually(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'configmaps');
  expect(created).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/default/configmaps',
    user: { username: 'bob', groups: ['system:masters', 'system:authenticated'] },
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'c', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { data: { a: '1' } },
    responseObject: { kind: 'ConfigMap', metadata: { name: 'c' } },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
  expect(JSON.stringify(created)).not.toContain('managedFields');
});

it('leaves bodies of Secrets out', async () => {
  const admin = createClient(api.admin);
  await admin.create(resources.secrets, { metadata: { name: 's', namespace: 'default' }, stringData: { password: 'hunter2' } });
  await eventually(({ objectRef }) => objectRef?.resource === 'secrets');
  const text = await readFile(path.join(directory, 'audit.log'), 'utf8');
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain(Buffer.from('hunter2').toString('base64'));
});

it('records refusals, and those who could not say who they are', async () => {
  const eve = createClient(api.as({ name: 'eve' }));
  await eve.list(resources.nodes).catch(() => undefined);
  expect(await eventually(({ user, responseStatus }) => user.username === 'eve' && responseStatus !== undefined)).toMatchObject({
    stage: 'ResponseComplete',
    responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
  });
  const response = await api.server.handle({
    method: 'GET',
    path: '/api',
    query: new URLSearchParams({ x: '1' }),
    headers: { authorization: 'Bearer nonsense', 'user-agent': 'curl', 'x-forwarded-for': '1.2.3.4' },
    body: { kind: 'none' },
    peer: { kind: 'anonymous' },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const refused = await eventually(({ requestURI }) => requestURI === '/api?x=1');
  expect(refused).toMatchObject({
    stage: 'ResponseStarted',
    auditID: response.headers['audit-id'],
    sourceIPs: ['1.2.3.4', '127.0.0.1'],
    userAgent: 'curl',
    responseStatus: { message: 'Authentication failed, attempted: bearer', reason: 'Unauthorized', code: 401 },
  });
});

it('tells a watch when it begins and when it ends', async () => {
  const abort = new AbortController();
  const watcher = createClient(api.as({ name: 'wanda', groups: ['system:masters'] }));
  const watch = watcher.watch(resources.pods, { signal: abort.signal })[Symbol.asyncIterator]();
  const first = watch.next();
  await eventually(({ user, stage }) => user.username === 'wanda' && stage === 'ResponseStarted');
  abort.abort(new Error('enough'));
  await first;
  const end = await eventually(({ user, stage }) => user.username === 'wanda' && stage === 'ResponseComplete');
  expect(end.verb).toBe('watch');
});

it('puts files aside when they have grown, and removes the oldest', async () => {
  const file = path.join(directory, 'small', 'a.log');
  let now = Date.parse('2026-01-01T00:00:00Z');
  const registry = createMetricsRegistry({ processMetrics: false });
  const counter = (name: string) => new Counter({ name, help: name, labelNames: ['plugin'], registers: [registry] });
  const log = await AuditLog.open({
    file,
    maxBytes: 100,
    maxAgeDays: 0,
    maxBackups: 2,
    clock: { ...systemClock, now: () => (now += 1000) },
    logger: silentLogger,
    metrics: { events: counter('e'), errors: counter('l') },
  });
  for (let index = 0; index < 8; index++) {
    log.record({ index, text: 'x'.repeat(60) });
    // Each by itself: what waits together is written together.
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain(`"index":${index.toString()}`));
  }
  await log.close();
  const names = (await readdir(path.dirname(file))).sort();
  expect(names).toHaveLength(3);
  expect(names.filter((name) => /^a-2026-01-01T00-00-\d\d\.000\.log$/.test(name))).toHaveLength(2);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ index: 7 });
});
