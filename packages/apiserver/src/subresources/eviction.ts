import { badRequest, internalError, isConflict, methodNotSupported, selectorOf, statusError } from '@bayplan/api';
import type { Eviction, KubeObject, Pod, PodDisruptionBudget } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { admissionRequest, admit } from '../admission/admission.ts';
import { writeOptionsObject } from '../admission/request-options.ts';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import { deleteNamed } from '../registry/verbs/delete.ts';
import type { VerbServices } from '../registry/verbs/services.ts';
import { writeOptions } from '../registry/verbs/write-options.ts';
import { success } from './success.ts';

const evictionType = { group: 'policy', version: 'v1', kind: 'Eviction' } as const;

/** `pods/eviction`: a deletion that asks the pod's disruption budget first. Answers 429 when there is no room. */
export const evictionHandler: SpecialHandler = async (services, context, resource) => {
  if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
  const { namespace, name } = context.info;
  const eviction = (await decodeBody(context, evictionType, 'Ignore')) as Eviction;
  if (eviction.metadata?.name && eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const pods = services.registry.stored('', 'v1', 'pods');
  const pod = (await pods.storage.read(namespace, name)).object as Pod;
  const options = eviction.deleteOptions;
  const dryRun = writeOptions(context).dryRun || (options?.dryRun ?? []).includes('All');
  await admit(
    services.admission,
    admissionRequest(context, {
      operation: 'CREATE',
      resource,
      subresource: 'eviction',
      namespace,
      name,
      object: eviction as KubeObject,
      old: undefined,
      bodyKind: evictionType,
      options: writeOptionsObject('CreateOptions', context),
      dryRun,
    }),
  );
  if (!isOver(pod) && !pod.metadata?.deletionTimestamp) await takeFromBudget(services, pod, namespace, name, dryRun);
  if (!dryRun) await markDisruption(services, namespace, name);
  await deleteNamed({ services, context, resource: pods }, namespace, name, {
    gracePeriodSeconds: options?.gracePeriodSeconds,
    propagationPolicy: undefined,
    uid: options?.preconditions?.uid,
    resourceVersion: undefined,
    dryRun,
  });
  return success(201);
};

function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || pod.status?.phase === 'Pending';
}

async function takeFromBudget(services: VerbServices, pod: Pod, namespace: string, name: string, dryRun: boolean): Promise<void> {
  const budgets = services.registry.stored('policy', 'v1', 'poddisruptionbudgets');
  await budgets.storage.cache.fresh();
  const matching = budgets.storage.cache
    .list({ namespace, matches: () => true })
    .filter((entry) => selectorOf((entry.stored.object as PodDisruptionBudget).spec?.selector ?? {}).matches(pod.metadata?.labels));
  const [budget] = matching;
  if (budget === undefined) return;
  if (matching.length > 1)
    throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  try {
    await budgets.storage.update(namespace, budget.name, (current) => {
      const next = structuredClone(current.object) as PodDisruptionBudget;
      if (!mayLeave(next, pod)) return Promise.resolve(current);
      demandRoom(next);
      if (dryRun || next.status === undefined) return Promise.resolve(current);
      next.status.disruptionsAllowed = (next.status.disruptionsAllowed ?? 0) - 1;
      next.status.disruptedPods = { ...next.status.disruptedPods, [name]: timestamp(services.clock.now()) };
      return Promise.resolve(next as KubeObject);
    });
  } catch (error) {
    if (isConflict(error)) throw tooMany('too many writers of the disruption budget', []);
    throw error;
  }
}

/** False when the budget does not count this pod, so that it may go without being taken from it. */
function mayLeave(budget: PodDisruptionBudget, pod: Pod): boolean {
  const ready = (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
  if (ready) return true;
  const { status, spec } = budget;
  const healthy = (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
  return !(spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow' || healthy);
}

function demandRoom(budget: PodDisruptionBudget): void {
  const { status, metadata } = budget;
  const name = metadata?.name ?? '';
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
    throw tooMany("Cannot evict pod as it would violate the pod's disruption budget.", [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ]);
  }
  if ((status?.disruptionsAllowed ?? 0) > 0) return;
  throw tooMany("Cannot evict pod as it would violate the pod's disruption budget.", [
    {
      reason: 'DisruptionBudget',
      message: `The disruption budget ${name} needs ${(status?.desiredHealthy ?? 0).toString()} healthy pods and has ${(status?.currentHealthy ?? 0).toString()} currently`,
    },
  ]);
}

function tooMany(message: string, causes: readonly { reason: string; message: string }[]) {
  return statusError(429, 'TooManyRequests', message, { causes: [...causes], retryAfterSeconds: 10 });
}

async function markDisruption(services: VerbServices, namespace: string, name: string): Promise<void> {
  await services.registry.stored('', 'v1', 'pods').storage.update(namespace, name, (current) => {
    const pod = structuredClone(current.object) as Pod;
    const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'DisruptionTarget');
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
      lastTransitionTime: timestamp(services.clock.now()),
    };
    pod.status = { ...pod.status, conditions: [...others, condition] };
    return Promise.resolve(pod as KubeObject);
  });
}
