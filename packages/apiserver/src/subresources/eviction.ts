import { badRequest, forbidden, isConflict, methodNotSupported, selectorOf, statusError } from '@bayplan/api';
import type { Eviction, KubeObject, Pod, PodDisruptionBudget, StatusError } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import { decodeBody } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import { deleteNamed } from '../registry/verbs/delete.ts';
import type { DeleteRequest } from '../registry/verbs/delete-options.ts';
import type { VerbServices } from '../registry/verbs/services.ts';
import { writeOptions } from '../registry/verbs/write-options.ts';
import { success } from './success.ts';

const evictionType = { group: 'policy', version: 'v1', kind: 'Eviction' } as const;
/** Evicted pods that one budget remembers until its controller has seen them go. */
const maxDisruptedPods = 2000;
/** Seconds after which a client that asked too early should ask again. */
const retrySeconds = 10;

/** `pods/eviction`: a deletion that asks the pod's disruption budget first. Answers 429 when there is no room. */
export const evictionHandler: SpecialHandler = async (services, context, resource) => {
  if (context.info.verb !== 'create') throw methodNotSupported(resource, context.info.verb);
  const { namespace, name } = context.info;
  const eviction = (await decodeBody(context, evictionType, 'Ignore')) as Eviction;
  if (eviction.metadata?.name && eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const pods = services.registry.stored('', 'v1', 'pods');
  const pod = (await pods.storage.read(namespace, name)).object as Pod;
  const options = eviction.deleteOptions;
  const { preconditions, propagationPolicy } = options ?? {};
  const dryRun = writeOptions(context).dryRun || (options?.dryRun ?? []).includes('All');
  checkPreconditions(pod, preconditions?.uid, preconditions?.resourceVersion);
  if (!isFreeToGo(pod)) await takeFromBudget(services, pod, namespace, name, dryRun);
  if (!dryRun) await markDisruption(services, namespace, name, pod.metadata?.uid);
  await deleteNamed({ services, context, resource: pods }, namespace, name, {
    gracePeriodSeconds: options?.gracePeriodSeconds,
    propagationPolicy: propagationPolicy as DeleteRequest['propagationPolicy'],
    // Another pod may have come under this name since the budget was asked.
    uid: pod.metadata?.uid,
    resourceVersion: undefined,
    dryRun,
  });
  return success(201);
};

function checkPreconditions(pod: Pod, uid: string | undefined, resourceVersion: string | undefined): void {
  const { metadata } = pod;
  const fail = (what: string, wanted: string, there: string): StatusError =>
    statusError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on pods "${metadata?.name ?? ''}": Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${there}`,
      { name: metadata?.name ?? '', kind: 'pods' },
    );
  if (uid !== undefined && uid !== metadata?.uid) throw fail('UID', uid, metadata?.uid ?? '');
  if (resourceVersion !== undefined && resourceVersion !== metadata?.resourceVersion)
    throw fail('ResourceVersion', resourceVersion, metadata?.resourceVersion ?? '');
}

/** Pods that serve nobody go without asking. */
function isFreeToGo({ status, metadata }: Pod): boolean {
  return (
    status?.phase === 'Succeeded' || status?.phase === 'Failed' || status?.phase === 'Pending' || metadata?.deletionTimestamp !== undefined
  );
}

async function takeFromBudget(services: VerbServices, pod: Pod, namespace: string, name: string, dryRun: boolean): Promise<void> {
  if (Object.keys(pod.metadata?.labels ?? {}).length === 0) return;
  const budgets = services.registry.stored('policy', 'v1', 'poddisruptionbudgets');
  await budgets.storage.cache.fresh();
  const matching = budgets.storage.cache
    .list({ namespace, matches: () => true })
    .filter((entry) => selectorOf((entry.stored.object as PodDisruptionBudget).spec?.selector).matches(pod.metadata?.labels));
  const [budget] = matching;
  if (budget === undefined) return;
  if (matching.length > 1)
    throw statusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  try {
    await budgets.storage.update(namespace, budget.name, (current) => {
      const next = structuredClone(current.object) as PodDisruptionBudget;
      if (goesUncounted(next, pod)) return Promise.resolve(current);
      demandRoom(next);
      if (dryRun || next.status === undefined) return Promise.resolve(current);
      const allowed = (next.status.disruptionsAllowed ?? 0) - 1;
      const now = timestamp(services.clock.now());
      next.status.disruptionsAllowed = allowed;
      next.status.disruptedPods = { ...next.status.disruptedPods, [name]: now };
      if (allowed === 0) {
        next.status.conditions = (next.status.conditions ?? []).map((condition) =>
          condition.type === 'DisruptionAllowed' && condition.status === 'True'
            ? { ...condition, status: 'False', reason: 'InsufficientPods', lastTransitionTime: now }
            : condition,
        );
      }
      return Promise.resolve(next as KubeObject);
    });
  } catch (error) {
    if (isConflict(error)) throw tooMany(`couldn't update PodDisruptionBudget "${budget.name}" due to conflicts`, undefined, retrySeconds);
    throw error;
  }
}

/** Whether a pod that is not ready may go without being taken from the budget. */
function goesUncounted({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const ready = (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
  if (ready) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

const budgets = { group: 'policy', resource: 'poddisruptionbudgets' } as const;

function demandRoom({ status, metadata }: PodDisruptionBudget): void {
  const name = metadata?.name ?? '';
  const { disruptionsAllowed = 0, disruptedPods = {}, currentHealthy = 0, desiredHealthy = 0, conditions = [] } = status ?? {};
  const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
    throw tooMany(refusal, `The disruption budget ${name} is still being processed by the server.`, retrySeconds);
  if (disruptionsAllowed < 0) throw forbidden(budgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxDisruptedPods)
    throw forbidden(budgets, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed > 0) return;
  const denied = conditions.find(({ type, status: value, message }) => type === 'DisruptionAllowed' && value === 'False' && message !== '');
  const still = `The disruption budget ${name} does not allow evicting pods currently`;
  // No time is named: when there will be room depends on the pods. Clients choose when to ask again.
  if (denied?.reason === 'SyncFailed') throw tooMany(refusal, `${still} because it failed sync: ${denied.message}`);
  if (currentHealthy <= desiredHealthy)
    throw tooMany(
      refusal,
      `The disruption budget ${name} needs ${desiredHealthy.toString()} healthy pods and has ${currentHealthy.toString()} currently`,
    );
  throw tooMany(refusal, denied === undefined ? still : `${still} (${denied.reason}): ${denied.message}`);
}

function tooMany(message: string, cause?: string, retryAfterSeconds?: number): StatusError {
  return statusError(429, 'TooManyRequests', message, {
    ...(cause === undefined ? {} : { causes: [{ reason: 'DisruptionBudget', message: cause }] }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

async function markDisruption(services: VerbServices, namespace: string, name: string, uid: string | undefined): Promise<void> {
  await services.registry.stored('', 'v1', 'pods').storage.update(namespace, name, (current) => {
    if (current.object.metadata.uid !== uid) return Promise.resolve(current);
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
