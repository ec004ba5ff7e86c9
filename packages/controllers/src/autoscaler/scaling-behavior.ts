import type { V2HorizontalPodAutoscalerSpec, V2HPAScalingRules } from '@bayplan/api';
import type { Tolerances } from './replica-calculation.ts';

const defaultTolerance = 0.1;
const defaultDownWindowSeconds = 300;

interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

interface ScaleEvent {
  readonly change: number;
  readonly atMs: number;
}

/** What an autoscaler remembers of one object: in memory only, as it is built up again within minutes. */
export interface ScalingHistory {
  recommendations: readonly Recommendation[];
  ups: readonly ScaleEvent[];
  downs: readonly ScaleEvent[];
}

export function newHistory(): ScalingHistory {
  return { recommendations: [], ups: [], downs: [] };
}

export interface Verdict {
  readonly type: 'AbleToScale' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

interface Rules {
  readonly windowSeconds: number;
  readonly policies: NonNullable<V2HPAScalingRules['policies']>;
  readonly select: string;
}

function rulesOf(given: V2HPAScalingRules | undefined, direction: 'up' | 'down'): Rules {
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };
  const usual = direction === 'up' ? [{ type: 'Pods', value: 4, periodSeconds: 15 }, percent] : [percent];
  return {
    windowSeconds: given?.stabilizationWindowSeconds ?? (direction === 'up' ? 0 : defaultDownWindowSeconds),
    policies: given?.policies ?? usual,
    select: given?.selectPolicy ?? 'Max',
  };
}

export function tolerancesOf({ behavior }: V2HorizontalPodAutoscalerSpec): Tolerances {
  const parse = (text: string | undefined): number => {
    if (text === undefined) return defaultTolerance;
    const value = text.endsWith('m') ? Number(text.slice(0, -1)) / 1000 : Number(text);
    return Number.isFinite(value) ? value : defaultTolerance;
  };
  return { up: parse(behavior?.scaleUp?.tolerance), down: parse(behavior?.scaleDown?.tolerance) };
}

/** Bounds a recommendation by its predecessors, by the rates of change and by the limits; notes it in `history`. */
export function normalize(
  spec: V2HorizontalPodAutoscalerSpec,
  history: ScalingHistory,
  current: number,
  recommended: number,
  nowMs: number,
): { readonly replicas: number; readonly verdicts: readonly Verdict[] } {
  const up = rulesOf(spec.behavior?.scaleUp, 'up');
  const down = rulesOf(spec.behavior?.scaleDown, 'down');
  const stable = stabilize(history, up, down, current, recommended, nowMs);
  const limited = limit(spec, history, up, down, current, stable.replicas, nowMs);
  return { replicas: limited.replicas, verdicts: [stable.verdict, limited.verdict] };
}

function stabilize(
  history: ScalingHistory,
  up: Rules,
  down: Rules,
  current: number,
  recommended: number,
  nowMs: number,
): { replicas: number; verdict: Verdict } {
  let lowest = recommended;
  let highest = recommended;
  for (const { replicas, atMs } of history.recommendations) {
    if (atMs > nowMs - up.windowSeconds * 1000) lowest = Math.min(lowest, replicas);
    if (atMs > nowMs - down.windowSeconds * 1000) highest = Math.max(highest, replicas);
  }
  const keepMs = nowMs - Math.max(up.windowSeconds, down.windowSeconds) * 1000;
  history.recommendations = [...history.recommendations.filter(({ atMs }) => atMs > keepMs), { replicas: recommended, atMs: nowMs }];
  const replicas = Math.min(Math.max(current, lowest), highest);
  const able = (reason: string, message: string): Verdict => ({ type: 'AbleToScale', status: 'True', reason, message });
  if (replicas === recommended) return { replicas, verdict: able('ReadyForNewScale', 'recommended size matches current size') };
  return recommended >= current
    ? {
        replicas,
        verdict: able('ScaleUpStabilized', 'recent recommendations were lower than current one, applying the lowest recent recommendation'),
      }
    : {
        replicas,
        verdict: able(
          'ScaleDownStabilized',
          'recent recommendations were higher than current one, applying the highest recent recommendation',
        ),
      };
}

const tooMany = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' };
const tooFew = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' };
const tooFast = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' };
const tooSlow = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' };

function limit(
  spec: V2HorizontalPodAutoscalerSpec,
  history: ScalingHistory,
  up: Rules,
  down: Rules,
  current: number,
  wanted: number,
  nowMs: number,
): { replicas: number; verdict: Verdict } {
  const bounded = (replicas: number, why: { reason: string; message: string }) => ({
    replicas,
    verdict: { type: 'ScalingLimited', status: 'True', ...why } as const,
  });
  const changed = (events: readonly ScaleEvent[], seconds: number): number =>
    events.filter(({ atMs }) => atMs > nowMs - seconds * 1000).reduce((sum, { change }) => sum + change, 0);
  if (wanted > current) {
    const rate = Math.max(
      current,
      upLimit(up, current, (seconds) => changed(history.ups, seconds) - changed(history.downs, seconds)),
    );
    if (wanted > Math.min(rate, spec.maxReplicas))
      return rate < spec.maxReplicas ? bounded(rate, tooFast) : bounded(spec.maxReplicas, tooMany);
  } else if (wanted < current) {
    const min = spec.minReplicas ?? 1;
    const rate = Math.min(
      current,
      downLimit(down, current, (seconds) => changed(history.ups, seconds) - changed(history.downs, seconds)),
    );
    if (wanted < Math.max(rate, min)) return rate > min ? bounded(rate, tooSlow) : bounded(min, tooFew);
  }
  const message = 'the desired count is within the acceptable range';
  return { replicas: wanted, verdict: { type: 'ScalingLimited', status: 'False', reason: 'DesiredWithinRange', message } };
}

/** `net` is by how much the replicas have grown within so many seconds. */
function upLimit({ policies, select }: Rules, current: number, net: (seconds: number) => number): number {
  if (select === 'Disabled') return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const before = current - net(periodSeconds);
    return type === 'Pods' ? before + value : Math.ceil(before * (1 + value / 100));
  });
  return select === 'Min' ? Math.min(...proposals) : Math.max(...proposals);
}

function downLimit({ policies, select }: Rules, current: number, net: (seconds: number) => number): number {
  if (select === 'Disabled') return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const before = current - net(periodSeconds);
    return type === 'Pods' ? before - value : Math.trunc(before * (1 - value / 100));
  });
  return select === 'Min' ? Math.max(...proposals) : Math.min(...proposals);
}

/** Notes a change of size that was made. */
export function noteScaled(spec: V2HorizontalPodAutoscalerSpec, history: ScalingHistory, from: number, to: number, nowMs: number): void {
  const longest = (rules: Rules): number => Math.max(0, ...rules.policies.map(({ periodSeconds }) => periodSeconds));
  const seconds = Math.max(longest(rulesOf(spec.behavior?.scaleUp, 'up')), longest(rulesOf(spec.behavior?.scaleDown, 'down')));
  const recent = (events: readonly ScaleEvent[]): ScaleEvent[] => events.filter(({ atMs }) => atMs > nowMs - seconds * 1000);
  const event = { change: Math.abs(to - from), atMs: nowMs };
  history.ups = to > from ? [...recent(history.ups), event] : recent(history.ups);
  history.downs = to < from ? [...recent(history.downs), event] : recent(history.downs);
}
