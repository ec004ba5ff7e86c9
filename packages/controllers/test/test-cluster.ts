import { resources } from '@bayplan/api';
import type { KubeObject, Pod, ResourceRef } from '@bayplan/api';
import { startTestApiServer } from '@bayplan/apiserver/testing';
import type { TestApiServer } from '@bayplan/apiserver/testing';
import { createClient, createInformerFactory } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createLogger, silentLogger, systemClock, systemRandom, timestamp } from '@bayplan/component-base';
import { startControllers } from '../src/index.ts';

export interface TestCluster {
  readonly api: TestApiServer;
  readonly client: Client;
  /** Plays the node agent: binds pods, says that they are ready, and lets deleted ones go. */
  readonly kubelet: FakeKubelet;
  /** Polls until `check` returns something other than undefined or false. */
  eventually<T>(check: () => Promise<T | undefined | false>, timeoutMs?: number): Promise<T>;
  /** Waits until the object satisfies `check`. */
  until<T extends KubeObject>(ref: ResourceRef<T>, namespace: string | undefined, name: string, check: (object: T) => boolean): Promise<T>;
  writes(): number;
  close(): Promise<void>;
}

/** A real API server without a port, with all controllers on it. */
export async function startTestCluster(
  options: {
    readonly kubelet?: boolean;
    /** Answers what the controllers read at a path, such as an aggregated API that nobody serves here. */
    readonly answer?: (path: string) => unknown;
  } = {},
): Promise<TestCluster> {
  const logger = process.env['BAYPLAN_TEST_LOG'] ? createLogger({ component: 'test', level: 'debug', format: 'text' }) : silentLogger;
  const api = await startTestApiServer({ listen: false, logger });
  const stop = new AbortController();
  const { signal } = stop;
  let writes = 0;
  const informersClient = createClient(api.as({ name: 'system:kube-controller-manager' }));
  const informers = createInformerFactory({ client: informersClient, clock: systemClock, logger });
  const controllers = startControllers({
    client: (identity) => {
      const transport = api.as(identity);
      return createClient({
        call: (call) => {
          if (call.method !== 'GET') writes++;
          const answer = options.answer?.(call.path);
          if (answer !== undefined) return Promise.resolve(answer);
          return transport.call(call);
        },
        watch: (call) => transport.watch(call),
        close: () => transport.close(),
      });
    },
    informers,
    clock: systemClock,
    random: systemRandom,
    logger,
    ca: api.keys.ca,
    clusterCidr: '10.128.0.0/10',
    nodeCidrMaskSize: 22,
    leaderElection: false,
    signal,
  });
  informers.start(signal);
  const client = createClient(api.admin);
  const kubelet = new FakeKubelet(client);
  if (options.kubelet !== false) kubelet.start(informers, signal);
  await informers.synced();
  await eventually(() => client.get(resources.serviceAccounts, { namespace: 'default', name: 'default' }).catch(() => undefined)); // not yet

  async function eventually<T>(check: () => Promise<T | undefined | false>, timeoutMs = 20_000): Promise<T> {
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      const found = await check();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > deadlineMs)
        throw new Error(
          `Not within ${String(timeoutMs)} ms: ${check.toString()}; the node agent saw ${kubelet.errors.slice(-3).join(', ')}`,
        );
      await systemClock.sleep(25);
    }
  }

  return {
    api,
    client,
    kubelet,
    eventually,
    async until<T extends KubeObject>(ref: ResourceRef<T>, namespace: string | undefined, name: string, check: (object: T) => boolean) {
      let last: T | undefined;
      try {
        return await eventually<T>(async () => {
          last = await client.get(ref, { namespace, name });
          return check(last) && last;
        });
      } catch (error) {
        throw new Error(
          `${ref.resource} ${name} is ${JSON.stringify({ ...last, metadata: { ...last?.metadata, managedFields: undefined } }, null, 1)}`,
          { cause: error },
        );
      }
    },
    writes: () => writes,
    async close() {
      stop.abort();
      await controllers.stopped;
      await api.close();
    },
  };
}

export class FakeKubelet {
  /** Pods for which this says no stay as they are. */
  runs: (pod: Pod) => boolean = () => true;
  /** How a running pod's containers end; undefined lets them run. */
  ends: (pod: Pod) => { readonly exitCode: number } | undefined = () => undefined;
  /** Pods for which this says no do not stop when they are deleted. */
  stops: (pod: Pod) => boolean = () => true;
  readonly errors: string[] = [];
  readonly #client: Client;
  #addresses = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  start(informers: ReturnType<typeof createInformerFactory>, signal: AbortSignal): void {
    const handle = (pod: Pod): void => void this.#step(pod).catch((error: unknown) => this.errors.push(String(error))); // a conflict: another event follows
    const remove = informers.informer(resources.pods).addHandlers({ onAdd: handle, onUpdate: handle });
    signal.addEventListener('abort', remove);
  }

  async #step(pod: Pod): Promise<void> {
    const key = { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' };
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (!this.stops(pod)) return;
      const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
      if (!isOver && (pod.metadata.finalizers ?? []).length > 0) return this.#end(pod, key, 143);
      await this.#client.delete(resources.pods, key, { gracePeriodSeconds: 0 });
      return;
    }
    if (!this.runs(pod)) return;
    if (!pod.spec?.nodeName) {
      const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
      const byName = terms?.[0]?.matchFields?.[0]?.values?.[0];
      const target = { apiVersion: 'v1', kind: 'Node', name: byName ?? 'n1' };
      await this.#client.createSubresource(resources.pods, key, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: key, target });
      return;
    }
    const end = pod.status?.phase === 'Running' ? this.ends(pod) : undefined;
    if (end !== undefined) return this.#end(pod, key, end.exitCode);
    if (pod.status?.phase !== 'Pending') return;
    const podIP = `10.128.0.${String((++this.#addresses % 250) + 2)}`;
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(Date.now()) }];
    await this.#client.patch(
      resources.pods,
      key,
      'strategic',
      { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions } },
      { subresource: 'status' },
    );
  }
  async #end(pod: Pod, key: { namespace: string | undefined; name: string }, exitCode: number): Promise<void> {
    const at = timestamp(Date.now());
    const terminated = { exitCode, startedAt: at, finishedAt: at };
    const containerStatuses = (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
      name,
      image,
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated },
    }));
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: at }];
    const status = { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses, conditions };
    await this.#client.patch(resources.pods, key, 'strategic', { status }, { subresource: 'status' });
  }
}
