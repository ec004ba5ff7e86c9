import { createMetricsRegistry, issueCertificate, systemClock } from '@bayplan/component-base';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

const metrics = createMetricsRegistry({ processMetrics: false });
const collection = '/api/v1/namespaces/default/configmaps';
let api: TestApiServer;
let client: { readonly cert: string; readonly key: string };

beforeAll(async () => {
  api = await startTestApiServer({ metrics });
  const asked = { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] } as const;
  const pair = await issueCertificate(api.keys.ca, asked, systemClock.now());
  client = { cert: pair.certPem, key: pair.keyPem };
});
afterAll(() => api.close());

async function session(): Promise<ClientHttp2Session> {
  const opened = connect(api.url, { ca: api.caPem, ...client });
  opened.on('error', () => undefined);
  await once(opened, 'connect');
  return opened;
}

async function answerOf(stream: ClientHttp2Stream): Promise<{ status: number; text: string }> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return { status: Number(headers[':status']), text };
}

async function get(over: ClientHttp2Session, path: string): Promise<{ status: number; text: string }> {
  return answerOf(over.request({ ':path': path }));
}

function post(over: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = over.request({ ':method': 'POST', ':path': collection, 'content-type': 'application/json', ...headers });
  stream.on('error', () => undefined);
  return stream;
}

const large = `{"metadata":{"name":"large"},"data":{"text":"${'x'.repeat(4 * 1024 * 1024)}"}}`;

describe('bodies', () => {
  it('above three megabytes are refused, by their announced length or when they are too long, and the connection goes on', async () => {
    const over = await session();
    for (const headers of [{ 'content-length': Buffer.byteLength(large).toString() }, {}] as Record<string, string>[]) {
      const stream = post(over, headers);
      stream.end(large);
      const { status, text } = await answerOf(stream);
      expect([status, JSON.parse(text)]).toMatchObject([
        413,
        { reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' },
      ]);
    }
    expect((await get(over, `${collection}/large`)).status).toBe(404);
    over.close();
    const status = await new Promise((resolve, reject) => {
      const sent = request(`${api.url}${collection}`, {
        method: 'POST',
        ca: api.caPem,
        ...client,
        headers: { 'content-type': 'application/json' },
      });
      sent.on('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      sent.end(large);
    });
    expect(status).toBe(413);
  });

  it('that arrive all at once are all answered', async () => {
    const over = await session();
    const agent = new Agent({ keepAlive: true });
    const send = (at: number): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json' };
        const sent = request(
          `${api.url}${collection}?dryRun=All`,
          { method: 'POST', ca: api.caPem, ...client, headers, agent },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        sent.on('error', reject);
        sent.end(`{"metadata":{"name":"h1-${at.toString()}"}}`);
      });
    const streams = Array.from({ length: 100 }, (_, at) => {
      const stream = post(over);
      stream.end(`{"metadata":{"name":"h2-${at.toString()}"}}`);
      return answerOf(stream).then(({ status }) => status);
    });
    const statuses = await Promise.all([...streams, ...Array.from({ length: 100 }, (_, at) => send(at))]);
    expect(statuses).toEqual(Array.from({ length: 200 }, () => 201));
    agent.destroy();
    over.close();
  });

  it('that are cut off change nothing and leave nothing behind', async () => {
    const over = await session();
    const cut = Array.from({ length: 50 }, (_, at) => {
      const stream = post(over, { 'content-length': '500' });
      stream.write(`{"metadata":{"name":"cut-${at.toString()}"}`);
      return stream;
    });
    for (const stream of cut) stream.close(8);
    await Promise.all(cut.map((stream) => (stream.closed ? undefined : once(stream, 'close'))));
    const other = await session();
    const { text } = await get(other, collection);
    expect(text).not.toContain('cut-');
    // A connection that ends in the middle of a body.
    const stream = post(over, { 'content-length': '500' });
    stream.write('{"metadata":');
    over.destroy();
    expect((await get(other, '/livez')).text).toBe('ok');
    other.close();
  });
});

describe('thousands of idle watches', () => {
  it('cost little, see what happens, and are forgotten when their clients go', async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, session));
    const { text } = await get(sessions[0] as ClientHttp2Session, `${collection}?limit=1`);
    const { metadata } = JSON.parse(text) as { metadata: { resourceVersion: string } };
    const streams = await Promise.all(
      Array.from({ length: 3000 }, async (_, at) => {
        const stream = (sessions[at % 5] as ClientHttp2Session).request({
          ':path': `${collection}?watch=1&resourceVersion=${metadata.resourceVersion}`,
        });
        const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
        expect(headers[':status']).toBe(200);
        return stream;
      }),
    );
    const open = async (): Promise<number> => {
      const { values } = await (
        metrics.getSingleMetric('apiserver_longrunning_requests') as { get(): Promise<{ values: { value: number; labels: object }[] }> }
      ).get();
      return values
        .filter(({ labels }) => (labels as { resource?: string }).resource === 'configmaps')
        .reduce((sum, { value }) => sum + value, 0);
    };
    expect(await open()).toBe(3000);
    const seen = Promise.all(streams.map(async (stream) => String(((await once(stream, 'data')) as [Buffer])[0])));
    const made = post(await session());
    made.end('{"metadata":{"name":"seen"}}');
    expect((await answerOf(made)).status).toBe(201);
    for (const line of await seen) expect(line).toMatch(/^\{"type":"ADDED".*"name":"seen"/);
    for (const one of sessions) one.destroy();
    for (let tries = 0; (await open()) > 0; tries++) {
      if (tries > 200) expect.fail(`${(await open()).toString()} watches are still open`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const other = await session();
    expect((await get(other, '/livez')).text).toBe('ok');
    other.close();
  });
});
