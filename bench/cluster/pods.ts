import { resources } from '@bayplan/api';
import type { Pod } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { setTimeout as sleep } from 'node:timers/promises';

/** The image that `bayplan up` builds for its quickstart. */
const image = 'bayplan.local/quickstart:v1';
const namespace = 'default';
const labels = { bench: 'node' };
const labelSelector = 'bench=node';
const deadlineMs = 120_000;

/** Follows the benchmark's pods over one watch. */
export class PodFollower {
  readonly #client: Client;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, () => void>();

  constructor(client: Client) {
    this.#client = client;
    void this.#follow();
  }

  /** Creates a pod with one container; resolves with the milliseconds until its status said Running. */
  async start(name: string): Promise<number> {
    const startMs = performance.now();
    const running = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`pod ${name} does not run`)), deadlineMs);
      this.#running.set(name, () => {
        clearTimeout(timer);
        resolve(performance.now() - startMs);
      });
    });
    await this.#client.create(resources.pods, podNamed(name));
    return running;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const event of this.#client.watch(resources.pods, { namespace, labelSelector, signal })) {
          if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
          const { metadata, status } = event.object;
          if (status?.phase === 'Running') this.#running.get(metadata.name ?? '')?.();
        }
      } catch {
        // The server was killed: watch again until it is back. A pod that never runs fails at its deadline.
        await sleep(50);
      }
    }
  }
}

function podNamed(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '1000000'] }],
    },
  };
}

/** The containers of the benchmark's pods, by id: those that run, or `not running` ones with their pod's name. */
export async function runningContainers(client: Client): Promise<string[]> {
  const { items } = await client.list(resources.pods, { namespace, labelSelector });
  return items
    .map(
      (pod) => pod.status?.containerStatuses?.find((one) => one.state?.running)?.containerID ?? `not running: ${pod.metadata.name ?? ''}`,
    )
    .sort();
}

/** Deletes the benchmark's pods; resolves when the API has forgotten the last. */
export async function removePods(client: Client): Promise<void> {
  const { items } = await client.list(resources.pods, { namespace, labelSelector });
  await Promise.all(items.map((pod) => client.delete(resources.pods, { namespace, name: pod.metadata.name ?? '' })));
  const endMs = performance.now() + deadlineMs;
  while ((await client.list(resources.pods, { namespace, labelSelector })).items.length > 0) {
    if (performance.now() > endMs) throw new Error('deleted pods stay');
    await sleep(50);
  }
}
