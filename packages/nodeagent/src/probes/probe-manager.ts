import type { Pod, Probe } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { ObservedContainer, ObservedPod } from '../pods/observed.ts';
import { containersOf } from '../pods/pod-shape.ts';
import type { ShapedContainer } from '../pods/pod-shape.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import { runProbe } from './probe-action.ts';
import { TimerWheel } from './timer-wheel.ts';
import type { WheelTask } from './timer-wheel.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** What probes have found out about the containers of one pod, by container id. */
export interface ProbeResults {
  readonly ready: ReadonlyMap<string, boolean>;
  readonly started: ReadonlySet<string>;
  readonly unhealthy: ReadonlyMap<string, 'liveness' | 'startup'>;
}

export interface ProbeManagerOptions {
  readonly runtime: PodRuntime;
  readonly clock: Clock;
  /** The results of a pod have changed. */
  readonly changed: (uid: string) => void;
  /** A probe failed (for the `Unhealthy` event). */
  readonly failed: (pod: Pod, container: ShapedContainer, kind: ProbeKind, output: string) => void;
  readonly signal: AbortSignal;
}

interface Runner {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly container: ShapedContainer;
  readonly observed: ObservedContainer;
  task: WheelTask | undefined;
  successes: number;
  failures: number;
  stopped: boolean;
}

interface PodProbes {
  pod: Pod;
  podIp: string;
  readonly ready: Map<string, boolean>;
  readonly started: Set<string>;
  readonly unhealthy: Map<string, 'liveness' | 'startup'>;
  readonly runners: Map<string, Runner>;
}

/** Containers whose first results are already known, from the status that was reported before a restart of the agent. */
export interface EarlierResults {
  readonly ready: ReadonlySet<string>;
  readonly started: ReadonlySet<string>;
}

/** Runs the probes of all containers on one timer and keeps their results. */
export class ProbeManager {
  readonly #options: ProbeManagerOptions;
  readonly #wheel: TimerWheel;
  readonly #pods = new Map<string, PodProbes>();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock);
  }

  /** Starts probes of new containers and stops those of containers that no longer run. */
  update(pod: Pod, observed: ObservedPod, podIp: string, earlier: EarlierResults): ProbeResults {
    const uid = pod.metadata.uid ?? '';
    const probes: PodProbes = this.#pods.get(uid) ?? {
      pod,
      podIp,
      ready: new Map(),
      started: new Set(),
      unhealthy: new Map(),
      runners: new Map(),
    };
    this.#pods.set(uid, probes);
    probes.pod = pod;
    probes.podIp = podIp;
    const running = new Map(observed.containers.filter((one) => one.state === 'running').map((one) => [one.id, one]));
    for (const [key, runner] of probes.runners) if (!running.has(runner.observed.id)) this.#stop(probes, key, runner);
    for (const id of [...probes.ready.keys(), ...probes.started, ...probes.unhealthy.keys()]) if (!running.has(id)) forget(probes, id);
    const shapes = containersOf(pod);
    for (const container of running.values()) {
      const shape = shapes.find((one) => one.spec.name === container.name);
      if (shape !== undefined) this.#begin(uid, probes, shape, container, earlier);
    }
    return probes;
  }

  /** The results so far; empty for a pod without probes under way. */
  results(uid: string): ProbeResults {
    return this.#pods.get(uid) ?? { ready: new Map(), started: new Set(), unhealthy: new Map() };
  }

  /** Stops all probes of a pod. */
  remove(uid: string): void {
    const probes = this.#pods.get(uid);
    if (probes === undefined) return;
    for (const [key, runner] of probes.runners) this.#stop(probes, key, runner);
    this.#pods.delete(uid);
  }

  stop(): void {
    for (const uid of [...this.#pods.keys()]) this.remove(uid);
    this.#wheel.stop();
  }

  #begin(uid: string, probes: PodProbes, shape: ShapedContainer, container: ObservedContainer, earlier: EarlierResults): void {
    const { startupProbe, livenessProbe, readinessProbe } = shape.spec;
    if (!probes.ready.has(container.id)) {
      const started = startupProbe === undefined || earlier.started.has(container.id);
      if (started) probes.started.add(container.id);
      probes.ready.set(container.id, started && (readinessProbe === undefined || earlier.ready.has(container.id)));
    }
    if (startupProbe !== undefined && !probes.started.has(container.id)) {
      this.#run(uid, probes, 'startup', startupProbe, shape, container);
      return;
    }
    if (livenessProbe !== undefined) this.#run(uid, probes, 'liveness', livenessProbe, shape, container);
    if (readinessProbe !== undefined) this.#run(uid, probes, 'readiness', readinessProbe, shape, container);
  }

  #run(uid: string, probes: PodProbes, kind: ProbeKind, probe: Probe, container: ShapedContainer, observed: ObservedContainer): void {
    const key = `${observed.id}/${kind}`;
    if (probes.runners.has(key)) return;
    const runner: Runner = { kind, probe, container, observed, task: undefined, successes: 0, failures: 0, stopped: false };
    probes.runners.set(key, runner);
    const elapsedSeconds = Math.max(0, (this.#options.clock.now() - observed.startedAtMs) / 1000);
    const delaySeconds = (probe.initialDelaySeconds ?? 0) - elapsedSeconds;
    // A container that has passed its startup probe is asked at once; a new one gets a second to listen.
    if (delaySeconds <= 0 && container.spec.startupProbe !== undefined && kind !== 'startup') void this.#once(uid, probes, runner);
    else this.#schedule(uid, probes, runner, Math.max(1, delaySeconds));
  }

  #schedule(uid: string, probes: PodProbes, runner: Runner, delaySeconds: number): void {
    runner.task = this.#wheel.add(delaySeconds, () => void this.#once(uid, probes, runner));
  }

  async #once(uid: string, probes: PodProbes, runner: Runner): Promise<void> {
    const { runtime, signal } = this.#options;
    const subject = { container: runner.container.spec, containerId: runner.observed.id, podIp: probes.podIp };
    const outcome = await runProbe(runner.probe, subject, runtime, signal);
    if (runner.stopped || signal.aborted) return;
    runner.successes = outcome.ok ? runner.successes + 1 : 0;
    runner.failures = outcome.ok ? 0 : runner.failures + 1;
    if (!outcome.ok) this.#options.failed(probes.pod, runner.container, runner.kind, outcome.output);
    this.#judge(uid, probes, runner);
    if (!runner.stopped) this.#schedule(uid, probes, runner, Math.max(1, runner.probe.periodSeconds ?? 10));
  }

  /** Turns counted outcomes into results. */
  #judge(uid: string, probes: PodProbes, runner: Runner): void {
    const { id } = runner.observed;
    const passed = runner.successes >= Math.max(1, runner.probe.successThreshold ?? 1);
    const failed = runner.failures >= Math.max(1, runner.probe.failureThreshold ?? 3);
    switch (runner.kind) {
      case 'startup':
        if (passed) {
          probes.started.add(id);
          probes.ready.set(id, runner.container.spec.readinessProbe === undefined);
          this.#stop(probes, `${id}/startup`, runner);
          this.#options.changed(uid);
        }
        break;
      case 'readiness':
        if ((passed && probes.ready.get(id) !== true) || (failed && probes.ready.get(id) !== false)) {
          probes.ready.set(id, passed);
          this.#options.changed(uid);
        }
        return;
      case 'liveness':
        break;
    }
    if (failed && !probes.unhealthy.has(id)) {
      probes.unhealthy.set(id, runner.kind);
      this.#options.changed(uid);
    }
  }

  #stop(probes: PodProbes, key: string, runner: Runner): void {
    runner.stopped = true;
    if (runner.task !== undefined) this.#wheel.cancel(runner.task);
    probes.runners.delete(key);
  }
}

function forget(probes: PodProbes, id: string): void {
  probes.ready.delete(id);
  probes.started.delete(id);
  probes.unhealthy.delete(id);
}
