import type { Container, Pod, PodSpec } from '@bayplan/api';
import type { ObservedContainer, ObservedPod, ObservedSandbox } from '../../src/pods/observed.ts';
import { specHash } from '../../src/pods/pod-shape.ts';

/** A pod bound to a node; containers are given by name. */
export function makePod(spec: Partial<Omit<PodSpec, 'containers'>> & { containers?: readonly (string | Container)[] } = {}): Pod {
  const { containers = ['main'], ...rest } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: 'uid-1', generation: 1 },
    spec: {
      nodeName: 'n',
      restartPolicy: 'Always',
      ...rest,
      containers: containers.map((one) => (typeof one === 'string' ? makeContainer(one) : one)),
    },
  };
}

export function makeContainer(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'image:1', ...more };
}

export const readySandbox: ObservedSandbox = { id: 'sb0', attempt: 0, ready: true, createdAtMs: 1, ips: ['10.1.0.2'] };

export function observe(containers: readonly ObservedContainer[], sandboxes: readonly ObservedSandbox[] = [readySandbox]): ObservedPod {
  return { sandboxes, containers };
}

/** One attempt of a container; running unless told otherwise. */
export function attempt(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  const number = more.attempt ?? 0;
  return {
    id: `${name}-${String(number)}`,
    name,
    sandboxId: 'sb0',
    attempt: number,
    state: 'running',
    createdAtMs: 1000,
    startedAtMs: 1000,
    finishedAtMs: more.state === 'exited' ? 2000 : 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'image:1',
    imageId: 'sha256:1',
    specHash: specHash({ name, image: 'image:1' }),
    restartDelayMs: 0,
    gracePeriodSeconds: 30,
    ...more,
  };
}
