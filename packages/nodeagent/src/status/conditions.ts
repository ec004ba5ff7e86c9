import type { Pod, PodCondition } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { PhaseContainer, PodPhase } from './phase.ts';

/** Condition types that the node agent owns; others are left to those who set them. */
export const ownConditions: readonly string[] = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

export interface ConditionFacts {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly containers: readonly PhaseContainer[];
  readonly sandboxReady: boolean;
  /** The conditions that were last reported, whose transition times are kept while nothing changes. */
  readonly previous: readonly PodCondition[];
  readonly nowMs: number;
}

/** The conditions of a pod that the agent owns. Pure. */
export function podConditions(facts: ConditionFacts): PodCondition[] {
  const containersReady = containersReadyVerdict(facts);
  const verdicts: Verdict[] = [
    { type: 'PodReadyToStartContainers', status: facts.sandboxReady ? 'True' : 'False' },
    initializedVerdict(facts),
    readyVerdict(facts, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  const generation = facts.pod.metadata.generation;
  return verdicts.map((verdict) => {
    const before = facts.previous.find((condition) => condition.type === verdict.type);
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined;
    return {
      ...verdict,
      lastTransitionTime: since ?? timestamp(facts.nowMs),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
}

function initializedVerdict({ phase, containers }: ConditionFacts): Verdict {
  if (phase === 'Succeeded') return { type: 'Initialized', status: 'True', reason: 'PodCompleted' };
  const mainBegan = containers.some(
    (one) => one.role === 'main' && (one.status.state?.waiting === undefined || one.status.lastState?.terminated !== undefined),
  );
  const incomplete = containers.filter(
    (one) => (one.role === 'init' && !one.status.ready) || (one.role === 'sidecar' && one.status.started !== true),
  );
  if (incomplete.length === 0 || (mainBegan && phase !== 'Failed')) return { type: 'Initialized', status: 'True' };
  return {
    type: 'Initialized',
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names(incomplete)}]`,
  };
}

function containersReadyVerdict({ phase, containers }: ConditionFacts): Verdict {
  if (phase === 'Succeeded') return { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type: 'ContainersReady', status: 'False', reason: 'PodFailed' };
  const unready = containers.filter((one) => (one.role === 'main' || one.role === 'sidecar') && !one.status.ready);
  if (unready.length === 0) return { type: 'ContainersReady', status: 'True' };
  return {
    type: 'ContainersReady',
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${names(unready)}]`,
  };
}

function readyVerdict({ pod }: ConditionFacts, containersReady: Verdict): Verdict {
  if (containersReady.status === 'False') return { ...containersReady, type: 'Ready' };
  const problems: string[] = [];
  for (const gate of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((one) => one.type === gate.conditionType);
    if (condition === undefined) problems.push(`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`);
    else if (condition.status !== 'True')
      problems.push(`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${condition.status}`);
  }
  if (problems.length === 0) return { type: 'Ready', status: 'True' };
  return {
    type: 'Ready',
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`,
  };
}

function names(containers: readonly PhaseContainer[]): string {
  return containers.map((one) => one.status.name).join(' ');
}
