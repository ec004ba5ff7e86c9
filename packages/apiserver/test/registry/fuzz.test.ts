import { createLogger } from '@bayplan/component-base';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { ask } from './asking.ts';

const full = process.env['BAYPLAN_TEST_FULL'] === '1';
const runs = full ? { numRuns: 100_000, interruptAfterTimeLimit: 120_000 } : { numRuns: 400, interruptAfterTimeLimit: 10_000 };

let api: TestApiServer;
const kept = { metadata: { name: 'kept', labels: { a: 'b' } }, data: { a: '1' } };
const collection = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false, logger: createLogger({ component: 'fuzz', level: 'error' }) });
  await ask(api, 'POST', collection, { body: JSON.stringify(kept) });
  const labels = { app: 'x' };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'x' }] } } };
  await ask(api, 'POST', deployments, { body: JSON.stringify({ metadata: { name: 'kept' }, spec }) });
});
afterAll(() => api.close());

const manifest = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"kept","labels":{"a":"b"}},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"a","image":"x","ports":[{"containerPort":80}]}]}}}}`;
const yaml = `apiVersion: apps/v1
kind: Deployment
metadata: {name: kept, labels: &l {a: b}}
spec:
  replicas: 2
  selector: {matchLabels: *l}
  template:
    metadata:
      labels: *l
    spec:
      containers:
      - name: a
        image: "x"
`;
const patch = `[{"op":"replace","path":"/spec/replicas","value":3},{"op":"test","path":"/metadata/name","value":"kept"},{"op":"add","path":"/metadata/labels/x","value":"y"}]`;

function mangled(text: string): fc.Arbitrary<Buffer> {
  const bytes = Buffer.from(text);
  const inserted = fc.oneof(
    fc.uint8Array({ maxLength: 4 }).map((given) => Buffer.from(given)),
    fc
      .constantFrom(
        '{',
        '[',
        ']',
        '}',
        '"',
        ',',
        'null',
        '0',
        '-1',
        '1e999',
        '"__proto__":{},',
        '*l',
        '<<: ',
        '\n',
        '\u0000',
        '9'.repeat(40),
      )
      .map(Buffer.from),
  );
  const edit = fc.tuple(fc.nat(bytes.length), fc.nat(6), inserted);
  return fc
    .array(edit, { maxLength: 3 })
    .map((edits) =>
      edits.reduce((now, [at, length, text]) => Buffer.concat([now.subarray(0, at), text, now.subarray(at + length)]), bytes),
    );
}

const body = fc.oneof(
  mangled(manifest),
  mangled(yaml),
  mangled(patch),
  fc.uint8Array().map((given) => Buffer.from(given)),
);
const contentType = fc.constantFrom(
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  '',
);
const accept = fc.constantFrom(
  'application/json',
  'application/vnd.kubernetes.protobuf',
  'application/yaml',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  '*/*;q=0.1, application/json;q=x',
  'image/png',
);
const parameter = fc.tuple(
  fc.constantFrom(
    'fieldManager',
    'force',
    'dryRun',
    'fieldValidation',
    'limit',
    'continue',
    'resourceVersion',
    'resourceVersionMatch',
    'labelSelector',
    'fieldSelector',
    'pretty',
    'gracePeriodSeconds',
    'propagationPolicy',
    'includeObject',
  ),
  fc.oneof(
    fc.constantFrom('m', 'true', 'All', 'Strict', 'Ignore', '1', '0', 'a=b', 'metadata.name=kept', 'Exact', 'NotOlderThan', 'Background'),
    fc.string({ maxLength: 8 }),
  ),
);
const url = fc.constantFrom(
  collection,
  `${collection}/kept`,
  deployments,
  `${deployments}/kept`,
  `${deployments}/kept/status`,
  `${deployments}/kept/scale`,
);

describe('any request', () => {
  it('is answered, never with a fault of the server, and harms nothing', async () => {
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'PATCH'),
      url,
      query: fc.array(parameter, { maxLength: 3 }),
      body,
      contentType,
      accept,
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, url: path, query, ...rest }) => {
        const target = `${path}?${new URLSearchParams(query as [string, string][]).toString()}`;
        const { status, body: answer } = await ask(api, method as 'GET', target, rest);
        const text = answer.toString('latin1');
        // Kubernetes has no better code for an applied configuration that does not fit its schema.
        if (status !== 504 && !text.includes('failed to create typed patch object'))
          expect([status < 500, text.slice(0, 300)]).toEqual([true, text.slice(0, 300)]);
        for (const one of [`${collection}/kept`, `${deployments}/kept`]) expect((await ask(api, 'GET', one)).status).toBe(200);
        expect((await ask(api, 'GET', deployments)).json.items).not.toHaveLength(0);
      }),
      runs,
    );
  }, 180_000);
});

describe('bodies', () => {
  it.each([
    ['truncated', 'application/json', manifest.slice(0, 100), 400],
    ['empty', 'application/json', '', 400],
    ['deeply nested', 'application/json', `{"metadata":{"name":"x","labels":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}}`, 400],
    ['deeply nested in YAML', 'application/yaml', '['.repeat(20_000), 400],
    ['of aliases that multiply', 'application/yaml', bomb(), 400],
    ['of an unknown type', 'text/plain', manifest, 415],
    ['of bytes that are no protobuf', 'application/vnd.kubernetes.protobuf', 'k8s\0\xff\xff\xff', 400],
    ['without the magic of protobuf', 'application/vnd.kubernetes.protobuf', manifest, 400],
    ['of another kind', 'application/json', '{"apiVersion":"v1","kind":"Pod"}', 400],
  ])('%s are refused', async (_what, type, text, code) => {
    const { status, json } = await ask(api, 'POST', deployments, { body: Buffer.from(text, 'latin1'), contentType: type });
    expect([status, json['kind'], json['status']]).toEqual([code, 'Status', 'Failure']);
  });

  it('with duplicate and unknown fields are refused, warned of or taken as asked', async () => {
    const text = `{"metadata":{"name":"dup"},"data":{"a":"1","a":"2"},"dta":{}}`;
    const post = (validation: string) => ask(api, 'POST', `${collection}?fieldValidation=${validation}&dryRun=All`, { body: text });
    const strict = await post('Strict');
    expect([strict.status, strict.json['message']]).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta", duplicate field "data.a"',
    ]);
    const warned = await post('Warn');
    expect([warned.status, warned.headers['warning']]).toEqual([
      201,
      ['299 - "unknown field \\"dta\\""', '299 - "duplicate field \\"data.a\\""'],
    ]);
    expect((await post('Ignore')).headers['warning']).toBeUndefined();
  });

  it('of invalid UTF-8 are read as text with replacements, as Go does', async () => {
    const text = Buffer.concat([Buffer.from('{"metadata":{"name":"utf"},"data":{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]);
    const { status, json } = await ask(api, 'POST', `${collection}?dryRun=All`, { body: text });
    expect([status, json['data']]).toEqual([201, { a: '\ufffd\ufffd' }]);
  });

  it('of YAML that is long are read aside, without keeping others waiting', async () => {
    const lines = Array.from({ length: 4_000 }, (_, at) => `  key-${at.toString()}: "value of the key"`);
    const text = `metadata: {name: long}\ndata:\n${lines.join('\n')}\n`;
    const { status, json } = await ask(api, 'POST', `${collection}?dryRun=All`, { body: text, contentType: 'application/yaml' });
    expect([status, Object.keys(json['data'] as object).length]).toEqual([201, 4_000]);
    const broken = await ask(api, 'POST', collection, { body: `${text}\n  - : : [`, contentType: 'application/yaml' });
    expect(broken.status).toBe(400);
  }, 30_000);
});

/** A few hundred bytes that stand for a billion values. */
function bomb(): string {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let at = 1; at < 10; at++) {
    const before = `*a${(at - 1).toString()}`;
    lines.push(`a${at.toString()}: &a${at.toString()} [${Array.from({ length: 9 }, () => before).join(',')}]`);
  }
  return lines.join('\n');
}
