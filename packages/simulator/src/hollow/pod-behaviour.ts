import type { Pod } from '@bayplan/api';

/** Annotations by which a pod says how it behaves on a hollow node; times in seconds, fractions allowed. */
export const annotations = {
  /** From being bound to running. Without it a short random time. */
  startSeconds: 'simulator.bayplan.io/start-seconds',
  /** From running to ready. Without it ready at once. */
  readySeconds: 'simulator.bayplan.io/ready-seconds',
  /** From running to exiting. Without it the containers run until the pod is deleted. */
  runSeconds: 'simulator.bayplan.io/run-seconds',
  /** The exit code of all containers when `runSeconds` are over. Without it 0. */
  exitCode: 'simulator.bayplan.io/exit-code',
  /** From the signal to exiting, at most the grace period. Without it a short random time. */
  stopSeconds: 'simulator.bayplan.io/stop-seconds',
} as const;

export interface PodBehaviour {
  readonly startMs: number;
  readonly readyMs: number;
  /** Undefined: until it is deleted. */
  readonly runMs: number | undefined;
  readonly exitCode: number;
  readonly stopMs: number;
}

/** How `pod` behaves; `random` in [0, 1) chooses what it does not say. */
export function behaviourOf(pod: Pod, random: number): PodBehaviour {
  const value = (name: keyof typeof annotations): number | undefined => {
    const text = pod.metadata.annotations?.[annotations[name]];
    const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(number) && number >= 0 ? number : undefined;
  };
  const seconds = (name: keyof typeof annotations): number | undefined => {
    const number = value(name);
    return number === undefined ? undefined : number * 1000;
  };
  return {
    startMs: seconds('startSeconds') ?? 100 + random * 400,
    readyMs: seconds('readySeconds') ?? 0,
    runMs: seconds('runSeconds'),
    exitCode: Math.floor(value('exitCode') ?? 0),
    stopMs: seconds('stopSeconds') ?? 50 + random * 200,
  };
}
