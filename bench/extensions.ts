// What CustomResourceDefinitions cost a server: many large ones, as operators and cloud providers bring them, hardly used.
import { resources } from '@bayplan/api';
import type { CustomResourceDefinition, JSONSchemaProps, KubeObject } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { percentile, runBenchmark } from './support.ts';

const definitions = resources.customResourceDefinitions;
const prose = 'A part of the resource that says one thing among many others, explained at the length at which generated schemas explain.';

function properties(depth: number, width: number): Record<string, JSONSchemaProps> {
  const made: Record<string, JSONSchemaProps> = {};
  for (let at = 0; at < width; at++) {
    const name = `field${depth.toString()}x${at.toString()}`;
    if (depth > 0 && at % 3 === 0) made[name] = { type: 'object', description: prose, properties: properties(depth - 1, width) };
    else if (at % 3 === 1) made[name] = { type: 'string', description: prose, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 };
    else made[name] = { type: 'array', items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } };
  }
  return made;
}

function definition(index: number, schema: JSONSchemaProps): CustomResourceDefinition {
  const [group, kind] = [`group${(index % 25).toString()}.example.org`, `Kind${index.toString()}`];
  const plural = `${kind.toLowerCase()}s`;
  return {
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } }],
    },
  };
}

/** The time until an object of a new definition can be created, which is as long as its listing answers 404. */
async function serve(client: Client, one: CustomResourceDefinition): Promise<number> {
  const from = performance.now();
  await client.create(definitions, one);
  const { group, names } = one.spec;
  const ref = { group, version: 'v1', resource: names.plural, kind: names.kind, namespaced: true };
  for (;;) {
    const served = await client.list(ref, { limit: 1 }).then(
      () => true,
      () => false,
    );
    if (served) return performance.now() - from;
  }
}

await runBenchmark('extensions', async ({ quick, log }) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const count = quick ? 50 : 500;
  const schema: JSONSchemaProps = { type: 'object', properties: { spec: { type: 'object', properties: properties(3, 7) } } };
  const server = await startTestApiServer({ listen: false });
  const client = createClient(server.admin);
  await serve(client, definition(100_000, schema));
  const settled = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    collect();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  };
  const before = await settled();
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  for (let index = 0; index < count; index++) {
    times.push(await serve(client, definition(index, schema)));
    if ((index + 1) % 100 === 0) log(`${(index + 1).toString()} definitions`);
  }
  const after = await settled();
  const servingDelayMs = delay.max / 1e6;
  delay.reset();
  const ref = { group: 'group3.example.org', version: 'v1', resource: 'kind3s', kind: 'Kind3', namespaced: true };
  const object = { metadata: { name: 'one', namespace: 'default' }, spec: { field3x1: 'abc' } } as KubeObject;
  const from = performance.now();
  await client.create(ref, object);
  const firstObjectMs = performance.now() - from;
  const documentFrom = performance.now();
  await server.admin.call({ method: 'GET', path: '/openapi/v2' });
  const openapiMs = performance.now() - documentFrom;
  await server.close();
  return {
    metrics: {
      definitions: count,
      schemaBytes: JSON.stringify(schema).length,
      createToServedP50Ms: percentile(times, 0.5),
      createToServedP99Ms: percentile(times, 0.99),
      residentBytesPerDefinition: (after - before) / count,
      firstObjectMs,
      openapiV2Ms: openapiMs,
      servingMaxDelayMs: servingDelayMs,
    },
    ratios: { residentToSchema: (after - before) / count / JSON.stringify(schema).length },
  };
});
