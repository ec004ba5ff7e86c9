import { createMetricsRegistry, FakeClock } from '@bayplan/component-base';
import { describe, expect, it } from 'vitest';
import { createNodeAgentMetrics } from '../src/metrics.ts';
import { comparable, nodeStatus } from '../src/node/node-object.ts';
import type { NodeFacts } from '../src/node/node-object.ts';
import { accessOf } from '../src/server/authentication.ts';
import { createTokenSource, tokenTimes } from '../src/volumes/service-account-tokens.ts';
import type { Client } from '@bayplan/client';
import { makePod } from './support/pods.ts';

describe('Access to the node API', () => {
  it.each([
    ['GET', '/metrics/cadvisor', 'get', 'metrics'],
    ['GET', '/stats/summary', 'get', 'stats'],
    ['POST', '/exec/ns/pod/c', 'create', 'proxy'],
    ['GET', '/containerLogs/ns/pod/c', 'get', 'proxy'],
  ])('%s %s needs %s on nodes/%s', (method, path, verb, subresource) => {
    expect(accessOf(method, path)).toEqual({ verb, subresource });
  });
});

describe('Metrics', () => {
  it('are these', async () => {
    const registry = createMetricsRegistry({ processMetrics: false });
    createNodeAgentMetrics(registry);
    expect((await registry.getMetricsAsJSON()).map((one) => one.name).toSorted()).toMatchInlineSnapshot(`
      [
        "bayplan_node_pod_status_patches_total",
        "kubelet_cgroup_manager_duration_seconds",
        "kubelet_node_config_error",
        "kubelet_node_name",
        "kubelet_pleg_relist_duration_seconds",
        "kubelet_pleg_relist_interval_seconds",
        "kubelet_pod_start_duration_seconds",
        "kubelet_pod_worker_duration_seconds",
        "kubelet_running_containers",
        "kubelet_running_pods",
        "kubelet_runtime_operations_duration_seconds",
        "kubelet_runtime_operations_errors_total",
        "kubelet_runtime_operations_total",
        "storage_operation_duration_seconds",
        "storage_operation_errors_total",
      ]
    `);
  });
});

describe('Status of a node', () => {
  const facts: NodeFacts = {
    name: 'n',
    ip: '192.0.2.1',
    port: 10250,
    maxPods: 1000,
    host: {
      cpuCount: 2,
      memoryBytes: 1024 ** 3,
      ephemeralBytes: 2048,
      machineId: 'm',
      systemUuid: 's',
      bootId: 'b',
      kernelVersion: '6',
      osImage: 'Linux',
      architecture: 'amd64',
      swapBytes: 0,
      hugepages: false,
      lowestOomScoreAdj: 0,
      dns: { servers: [], searches: [], options: [] },
    },
    reserved: { cpuMilli: 500, memoryBytes: 1024 },
    labels: {},
    annotations: {},
    runtime: { name: 'bayplan', version: '0.1.0', handlers: [''] },
    images: [],
    pressure: { memory: false, disk: false, pids: false },
    notReady: undefined,
    nowMs: 0,
    previous: [],
  };

  it('keeps the reserve from pods', () => {
    const status = nodeStatus(facts);
    expect(status.capacity).toMatchObject({ cpu: '2', memory: '1048576Ki', pods: '1000' });
    expect(status.allocatable).toMatchObject({ cpu: '1500m', memory: '1048575Ki' });
  });

  it('is the same to others when only the time differs', () => {
    const before = nodeStatus(facts);
    expect(comparable(nodeStatus({ ...facts, nowMs: 60_000, previous: before.conditions ?? [] }))).toBe(comparable(before));
    expect(comparable(nodeStatus({ ...facts, notReady: 'why', previous: before.conditions ?? [] }))).not.toBe(comparable(before));
  });
});

describe('Tokens of service accounts', () => {
  const token = (iat: number, exp: number, id: string) => `h.${Buffer.from(JSON.stringify({ iat, exp, id })).toString('base64url')}.s`;
  const source = { path: 'token', expirationSeconds: 3600 };

  it('are renewed at four fifths of their life, and kept over a restart until then', async () => {
    const clock = new FakeClock();
    const seconds = () => clock.now() / 1000;
    let made = 0;
    const client = {
      createSubresource: () => {
        made += 1;
        const value = token(seconds(), seconds() + 3600, String(made));
        return Promise.resolve({
          metadata: {},
          spec: {},
          status: { token: value, expirationTimestamp: new Date(clock.now() + 3_600_000).toISOString() },
        });
      },
    } as unknown as Client;
    const { signal } = new AbortController();
    const none = () => Promise.resolve(undefined);
    const tokens = createTokenSource(client, clock);
    const first = await tokens.token(makePod(), source, none, signal);
    await clock.advance(2_800_000);
    expect(await tokens.token(makePod(), source, none, signal)).toBe(first);
    expect(await createTokenSource(client, clock).token(makePod(), source, () => Promise.resolve(first), signal)).toBe(first);
    await clock.advance(100_000);
    expect(await tokens.token(makePod(), source, none, signal)).not.toBe(first);
    expect(made).toBe(2);
  });

  it('are not trusted when they cannot be read', () => {
    expect(tokenTimes('nonsense')).toBeUndefined();
  });
});
