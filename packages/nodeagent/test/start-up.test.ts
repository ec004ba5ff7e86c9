import type { Node } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { createMetricsRegistry, FakeClock, silentLogger } from '@bayplan/component-base';
import type { CriClient } from '@bayplan/rpc';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { createNodeAgentMetrics } from '../src/metrics.ts';
import { NodeReporter } from '../src/node/node-reporter.ts';
import { ProbeManager } from '../src/probes/probe-manager.ts';
import { createPodRuntime } from '../src/runtime/pod-runtime.ts';
import type { PodRuntime } from '../src/runtime/pod-runtime.ts';
import { attempt, makeContainer, makePod, observe } from './support/pods.ts';

/** A runtime whose network is ready once it knows the range of pod addresses, as the real one's is. */
function runtimeWithoutRange(clock: FakeClock): PodRuntime {
  let range = '';
  const runtime = {
    version: () => Promise.resolve({ runtimeName: 'bayplan', runtimeVersion: '1' }),
    status: () =>
      Promise.resolve({
        status: { conditions: [{ type: 'NetworkReady', status: range !== '', reason: 'NoRange', message: '' }] },
        runtimeHandlers: [],
      }),
    updateRuntimeConfig: (request: { runtimeConfig: { networkConfig: { podCidr: string } } }) => {
      range = request.runtimeConfig.networkConfig.podCidr;
      return Promise.resolve({});
    },
  };
  const cri = { runtime, image: { listImages: () => Promise.resolve({ images: [] }) } } as unknown as CriClient;
  return createPodRuntime(cri, clock, createNodeAgentMetrics(createMetricsRegistry({ processMetrics: false })));
}

const host = {
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
};

it('reports the node Ready in its first report when its range of pod addresses is there', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const written: (string | undefined)[] = [];
  let node: Node = { metadata: { name: 'n', uid: 'u' } };
  const client = {
    create: (_ref: unknown, object: Node) => Promise.resolve((node = { ...object, spec: {} })),
    get: () => Promise.resolve((node = { ...node, spec: { podCIDR: '10.128.0.0/22' } })),
    patch: (_ref: unknown, _key: unknown, _type: unknown, patch: Node) => {
      written.push(patch.status?.conditions?.find(({ type }) => type === 'Ready')?.status);
      return Promise.resolve({ ...node, ...patch });
    },
  } as unknown as Client;
  const reporter = new NodeReporter({
    client,
    runtime: runtimeWithoutRange(clock),
    home: tmpdir(),
    facts: {
      name: 'n',
      ip: '192.0.2.1',
      port: 10_250,
      maxPods: 10,
      host,
      reserved: { cpuMilli: 0, memoryBytes: 0 },
      labels: {},
      annotations: {},
    },
    podCidr: undefined,
    clock,
    logger: silentLogger,
    signal: stop.signal,
  });
  const run = reporter.run();
  // The clock stands still: nothing may wait for the next round.
  await reporter.ready;
  expect(written).toEqual(['True']);
  stop.abort();
  await run;
});

it('asks whether a container is ready at once after its startup probe has passed', async () => {
  const clock = new FakeClock();
  const pod = makePod({
    containers: [makeContainer('app', { startupProbe: { periodSeconds: 1 }, readinessProbe: { periodSeconds: 10 } })],
  });
  const container = attempt('app', { state: 'running', startedAtMs: clock.now() });
  const probes = new ProbeManager({
    runtime: runtimeWithoutRange(clock),
    clock,
    // What a pod's worker does when it is woken.
    changed: () => void update(),
    failed: () => undefined,
    signal: new AbortController().signal,
  });
  const update = () => probes.update(pod, observe([container]), '10.1.0.2', { ready: new Set(), started: new Set() });
  update();
  expect(probes.results(pod.metadata.uid ?? '').ready.get(container.id)).toBe(false);
  // Probes without an action pass. One second for the startup probe, none for the readiness probe.
  await clock.advance(1_000);
  await expect.poll(() => probes.results(pod.metadata.uid ?? '').ready.get(container.id)).toBe(true);
  probes.stop();
});
