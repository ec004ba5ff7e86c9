import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { ContainerImage, Node, NodeStatus } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock, Logger } from '@bayplan/component-base';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import { comparable, newNode, nodeLabels, nodeStatus } from './node-object.ts';
import type { NodeFacts } from './node-object.ts';
import { readPressure } from './pressure.ts';

const reportMs = 300_000;
const checkMs = 10_000;
const retryMs = 500;
/** First wait while the node is not Ready; doubles up to `retryMs`. */
const firstWaitMs = 25;
const callTimeoutMs = 10_000;
/** As many images as Kubernetes reports. */
const mostImages = 50;

export interface NodeReporterOptions {
  readonly client: Client;
  readonly runtime: PodRuntime;
  readonly home: string;
  /** Everything about the node that does not change while the agent runs. */
  readonly facts: Omit<NodeFacts, 'images' | 'pressure' | 'notReady' | 'nowMs' | 'previous' | 'runtime'>;
  readonly podCidr: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Registers the node and reports its status: at once when it changes, else every five minutes. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly ready: Promise<void>;
  #resolveReady: () => void = () => undefined;
  #node: Node | undefined;
  #written = '';
  #writtenAtMs = 0;
  #givenCidr = '';

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#resolveReady = resolve));
  }

  get nodeUid(): string {
    return this.#node?.metadata.uid ?? '';
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    const { clock, logger, signal } = this.#options;
    let waitMs = firstWaitMs;
    while (!signal.aborted) {
      let delayMs = checkMs;
      try {
        const isReady = await this.#once(AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
        if (isReady) {
          waitMs = firstWaitMs;
          this.#resolveReady();
        } else {
          delayMs = waitMs;
          waitMs = Math.min(waitMs * 2, retryMs);
        }
      } catch (error) {
        delayMs = retryMs;
        if (!signal.aborted) logger.warn('Failed to report the status of the node', { err: error });
      }
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  async #once(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const due = clock.monotonic() - this.#writtenAtMs >= reportMs;
    // A node that was deleted registers again; a report finds that out, and so does a change.
    let facts = await this.#facts(signal);
    if (this.#node === undefined) this.#node = await this.#register(facts, signal);
    if (this.#node.spec?.podCIDR === undefined)
      this.#node = await this.#options.client.get(resources.nodes, { name: facts.name }, { signal });
    // The range is what the runtime's network was waiting for.
    if (await this.#passPodCidr(this.#node.spec?.podCIDR ?? this.#options.podCidr ?? '', signal)) facts = await this.#facts(signal);
    const status = nodeStatus(facts);
    const text = comparable(status);
    if (text !== this.#written || due) await this.#write(status, text, signal);
    return facts.notReady === undefined;
  }

  async #facts(signal: AbortSignal): Promise<NodeFacts> {
    const { runtime, home, clock, facts } = this.#options;
    const problems: string[] = [];
    const [version, state, images, pressure] = await Promise.all([
      runtime.operation('version', () => runtime.cri.runtime.version({}, { signal })).catch(() => undefined),
      runtime.operation('status', () => runtime.cri.runtime.status({}, { signal })).catch(() => undefined),
      this.#images(signal).catch(() => []),
      readPressure(home),
    ]);
    for (const condition of state?.status?.conditions ?? []) {
      if (!condition.status && (condition.type === 'RuntimeReady' || condition.type === 'NetworkReady')) {
        problems.push(
          `container runtime ${condition.type === 'NetworkReady' ? 'network ' : ''}not ready: ${condition.type}=false reason:${condition.reason} message:${condition.message}`,
        );
      }
    }
    if (state === undefined) problems.push('container runtime is down');
    return {
      ...facts,
      runtime: {
        name: version?.runtimeName ?? 'bayplan',
        version: version?.runtimeVersion ?? 'unknown',
        handlers: (state?.runtimeHandlers ?? []).map((handler) => handler.name),
      },
      images,
      pressure,
      notReady: problems.length === 0 ? undefined : problems.join(', '),
      nowMs: clock.now(),
      previous: this.#node?.status?.conditions ?? [],
    };
  }

  async #images(signal: AbortSignal): Promise<ContainerImage[]> {
    const { runtime } = this.#options;
    const { images } = await runtime.operation('list_images', () => runtime.cri.image.listImages({}, { signal }));
    return images
      .toSorted((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
      .slice(0, mostImages)
      .map((image) => ({ names: [...image.repoDigests, ...image.repoTags], sizeBytes: image.size }));
  }

  async #register(facts: NodeFacts, signal: AbortSignal): Promise<Node> {
    const { client, logger } = this.#options;
    try {
      const created = await client.create(resources.nodes, newNode(facts), { signal });
      logger.info('Registered the node', { node: facts.name });
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const present = await client.get(resources.nodes, { name: facts.name }, { signal });
    const labels = nodeLabels(facts);
    const { annotations } = facts;
    const lacks = (wanted: Readonly<Record<string, string>>, have: Readonly<Record<string, string>> = {}): boolean =>
      Object.entries(wanted).some(([key, value]) => have[key] !== value);
    if (!lacks(labels, present.metadata.labels) && !lacks(annotations, present.metadata.annotations)) return present;
    return client.patch(resources.nodes, { name: facts.name }, 'strategic', { metadata: { labels, annotations } }, { signal });
  }

  /** Resolves with whether the runtime was told something new. */
  async #passPodCidr(cidr: string, signal: AbortSignal): Promise<boolean> {
    const { runtime } = this.#options;
    if (cidr === '' || cidr === this.#givenCidr) return false;
    await runtime.operation('update_runtime_config', () =>
      runtime.cri.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: cidr } } }, { signal }),
    );
    this.#givenCidr = cidr;
    return true;
  }

  async #write(status: NodeStatus, text: string, signal: AbortSignal): Promise<void> {
    const { client, clock, facts } = this.#options;
    try {
      this.#node = await client.patch(resources.nodes, { name: facts.name }, 'strategic', { status }, { subresource: 'status', signal });
      this.#written = text;
      this.#writtenAtMs = clock.monotonic();
    } catch (error) {
      if (isNotFound(error)) {
        this.#node = undefined;
        this.#written = '';
      }
      throw error;
    }
  }
}
