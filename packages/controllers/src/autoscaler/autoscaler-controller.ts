import { isConflict, isNotFound, parseLabelSelector, resources } from '@bayplan/api';
import type { Scale, Selector, V2HorizontalPodAutoscaler, V2HorizontalPodAutoscalerCondition, V2MetricStatus } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import { textOf } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { scaleTargetsOf } from '../scale/scale-targets.ts';
import type { ScalableRef } from '../scale/scale-targets.ts';
import { MetricError, proposeFor } from './metric-proposals.ts';
import type { MetricProposal } from './metric-proposals.ts';
import { MetricsClient } from './metrics-client.ts';
import { newHistory, normalize, noteScaled, tolerancesOf } from './scaling-behavior.ts';
import type { ScalingHistory } from './scaling-behavior.ts';

/** How often the metrics of each object are read. */
const periodMs = 15_000;

interface Pass {
  readonly autoscaler: V2HorizontalPodAutoscaler;
  conditions: readonly V2HorizontalPodAutoscalerCondition[];
}

/** What came of one look at the metrics. `error` ends the pass without a change of size. */
interface Recommendation {
  readonly replicas: number;
  readonly metric: string;
  readonly statuses: readonly V2MetricStatus[];
  readonly error?: string;
}

/** Sizes workloads by metrics. */
export async function runAutoscalerController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, recorder, signal } = context;
  const autoscalers = informers.informer(resources.horizontalPodAutoscalers);
  const pods = informers.informer(resources.pods);
  const targets = scaleTargetsOf(context);
  const metrics = new MetricsClient(client, targets, signal);
  const queue = queueFor(context, 'horizontalpodautoscaler');
  const histories = new Map<string, ScalingHistory>();
  const selectors = new Map<string, Selector>();

  onChange(context, autoscalers, (autoscaler, previous, deleted) => {
    const key = keyOf(autoscaler);
    if (deleted) {
      histories.delete(key);
      selectors.delete(key);
    } else if (previous === undefined || !semanticallyEqual(previous.spec, autoscaler.spec)) queue.add(key);
  });

  async function reconcile(key: string): Promise<ReconcileResult | void> {
    const autoscaler = autoscalers.lister.get(key);
    if (autoscaler?.spec === undefined || autoscaler.metadata.deletionTimestamp !== undefined) return;
    try {
      await work(key, autoscaler);
    } catch (error) {
      if (isNotFound(error)) return;
      // Whatever went wrong is on the object by now, and the next look is soon enough.
      if (!isConflict(error)) context.logger.debug('Failed to autoscale', { autoscaler: key, err: error });
    }
    return { requeueAfterMs: periodMs };
  }

  function report(pass: Pass, type: 'Normal' | 'Warning', reason: string, message: string): void {
    recorder.event({ ref: resources.horizontalPodAutoscalers, object: pass.autoscaler }, type, reason, message);
  }

  function set(pass: Pass, type: string, status: string, reason: string, message: string): void {
    const before = pass.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(clock.now());
    const next = { type, status, reason, message, lastTransitionTime };
    pass.conditions = before ? pass.conditions.map((condition) => (condition === before ? next : condition)) : [...pass.conditions, next];
  }

  async function work(key: string, autoscaler: V2HorizontalPodAutoscaler): Promise<void> {
    const pass: Pass = { autoscaler, conditions: autoscaler.status?.conditions ?? [] };
    const spec = autoscaler.spec;
    if (spec === undefined) return;
    const { scaleTargetRef: reference } = spec;
    const target = await readTarget(pass, reference);
    if (target === undefined) return;
    const { ref, scale } = target;
    set(pass, 'AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale");
    const current = scale.spec?.replicas ?? 0;
    const history = histories.get(key) ?? { ...newHistory(), recommendations: [{ replicas: current, atMs: clock.now() }] };
    histories.set(key, history);
    const min = spec.minReplicas ?? 1;
    let desired = current;
    let reason = '';
    let statuses = autoscaler.status?.currentMetrics ?? [];
    if (current === 0 && min !== 0) {
      desired = 0;
      set(pass, 'ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
    } else if (current > spec.maxReplicas) {
      desired = spec.maxReplicas;
      reason = 'Current number of replicas above Spec.MaxReplicas';
    } else if (current < min) {
      desired = min;
      reason = 'Current number of replicas below Spec.MinReplicas';
    } else {
      const found = await recommend(key, pass, scale);
      statuses = [...found.statuses];
      if (found.error !== undefined) {
        await writeStatus(pass, scale, autoscaler.status?.desiredReplicas ?? 0, statuses, false);
        report(pass, 'Warning', 'FailedComputeMetricsReplicas', found.error);
        return;
      }
      const bounded = normalize(spec, history, current, found.replicas, clock.now());
      for (const { type, status, reason: why, message } of bounded.verdicts) set(pass, type, status, why, message);
      desired = bounded.replicas;
      reason = desired > current ? `${found.metric} above target` : 'All metrics below target';
    }
    if (desired !== current) {
      try {
        await targets.resize(ref, scale, desired, signal);
      } catch (error) {
        report(pass, 'Warning', 'FailedRescale', `New size: ${String(desired)}; reason: ${reason}; error: ${textOf(error)}`);
        set(
          pass,
          'AbleToScale',
          'False',
          'FailedUpdateScale',
          `the HPA controller was unable to update the target scale: ${textOf(error)}`,
        );
        await writeStatus(pass, scale, autoscaler.status?.desiredReplicas ?? 0, statuses, false);
        return;
      }
      set(pass, 'AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${String(desired)}`);
      report(pass, 'Normal', 'SuccessfulRescale', `New size: ${String(desired)}; reason: ${reason}`);
      noteScaled(spec, history, current, desired, clock.now());
    }
    await writeStatus(pass, scale, desired, statuses, desired !== current);
  }

  async function readTarget(
    pass: Pass,
    reference: { readonly apiVersion?: string | undefined; readonly kind: string; readonly name: string },
  ): Promise<{ readonly ref: ScalableRef; readonly scale: Scale } | undefined> {
    const fail = async (what: string, message: string): Promise<undefined> => {
      report(pass, 'Warning', 'FailedGetScale', message);
      set(pass, 'AbleToScale', 'False', 'FailedGetScale', `the HPA controller was ${what}: ${message}`);
      await writeStatus(pass, undefined, pass.autoscaler.status?.desiredReplicas ?? 0, pass.autoscaler.status?.currentMetrics ?? [], false);
      return undefined;
    };
    const cannotGet = "unable to get the target's current scale";
    const found = targets.find(reference);
    if (found === undefined)
      return fail(cannotGet, `no matches for kind "${reference.kind}" in group "${(reference.apiVersion ?? '').split('/')[0] ?? ''}"`);
    if (!found.scalable) return fail(cannotGet, 'the server could not find the requested resource');
    try {
      const scale = await targets.get(found.ref, { namespace: pass.autoscaler.metadata.namespace, name: reference.name }, signal);
      if (scale !== undefined) return { ref: found.ref, scale };
    } catch (error) {
      return fail(cannotGet, textOf(error));
    }
    const { resource, group } = found.ref;
    return fail(cannotGet, `${resource}${group === '' ? '' : `.${group}`} "${reference.name}" not found`);
  }

  /** What the metrics ask for: the most that any of them does. */
  async function recommend(key: string, pass: Pass, scale: Scale): Promise<Recommendation> {
    const { spec, metadata } = pass.autoscaler;
    const nothing = { replicas: 0, metric: '', statuses: [] };
    const inactive = (reason: string, message: string, event = reason, eventMessage = message): Recommendation => {
      report(pass, 'Warning', event, eventMessage);
      set(pass, 'ScalingActive', 'False', reason, message);
      return { ...nothing, error: eventMessage };
    };
    const text = scale.status?.selector ?? '';
    if (text === '')
      return inactive('InvalidSelector', "the HPA target's scale is missing a selector", 'SelectorRequired', 'selector is required');
    const selector = parseLabelSelector(text);
    selectors.set(key, selector);
    const mine = pods.lister.list(metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels ?? {}));
    const rivals = [...selectors]
      .filter(
        ([other, theirs]) =>
          other !== key &&
          other.startsWith(`${metadata.namespace ?? ''}/`) &&
          mine.some((pod) => theirs.matches(pod.metadata.labels ?? {})),
      )
      .map(([other]) => other);
    if (rivals.length > 0)
      return inactive(
        'AmbiguousSelector',
        `pods by selector ${text} are controlled by multiple HPAs: [${[key, ...rivals].sort().join(' ')}]`,
      );
    const specs = spec?.metrics ?? [];
    const proposals: MetricProposal[] = [];
    const failures: MetricError[] = [];
    const specReplicas = scale.spec?.replicas ?? 0;
    for (const metric of specs) {
      try {
        proposals.push(
          await proposeFor(metric, {
            metrics,
            namespace: metadata.namespace ?? '',
            selector: text,
            pods: mine,
            specReplicas,
            statusReplicas: scale.status?.replicas ?? 0,
            tolerances: spec === undefined ? { up: 0.1, down: 0.1 } : tolerancesOf(spec),
            nowMs: clock.now(),
          }),
        );
      } catch (error) {
        if (!(error instanceof MetricError)) throw error;
        failures.push(error);
        report(pass, 'Warning', error.reason, error.message);
      }
    }
    const best = proposals.reduce<MetricProposal | undefined>(
      (most, one) => (most && most.replicas >= one.replicas ? most : one),
      undefined,
    );
    const statuses = proposals.map(({ status }) => status);
    const [first] = failures;
    // With a metric missing nothing is made smaller: that metric might have asked for more.
    if (first !== undefined && (best === undefined || best.replicas < specReplicas)) {
      set(pass, 'ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.message}`);
      const error = `invalid metrics (${String(failures.length)} invalid out of ${String(specs.length)}), first error is: ${first.message}`;
      return { ...nothing, statuses, error };
    }
    const metric = best?.name ?? '';
    set(pass, 'ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${metric}`);
    return { replicas: best?.replicas ?? specReplicas, metric, statuses };
  }

  async function writeStatus(
    pass: Pass,
    scale: Scale | undefined,
    desiredReplicas: number,
    currentMetrics: readonly V2MetricStatus[],
    scaled: boolean,
  ): Promise<void> {
    const { autoscaler, conditions } = pass;
    const { lastScaleTime, currentReplicas } = autoscaler.status ?? {};
    const changedAt = scaled ? timestamp(clock.now()) : lastScaleTime;
    const status = {
      ...(autoscaler.metadata.generation === undefined ? {} : { observedGeneration: autoscaler.metadata.generation }),
      ...(changedAt === undefined ? {} : { lastScaleTime: changedAt }),
      currentReplicas: scale?.spec?.replicas ?? currentReplicas ?? 0,
      desiredReplicas,
      currentMetrics: [...currentMetrics],
      conditions: [...conditions],
    };
    if (semanticallyEqual(autoscaler.status, status)) return;
    await client.update(resources.horizontalPodAutoscalers, { ...autoscaler, status }, { subresource: 'status', signal });
  }

  await runController(context, { queue, caches: [autoscalers, pods, ...targets.caches], workers: 2, reconcile });
}
