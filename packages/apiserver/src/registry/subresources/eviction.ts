import { badRequest, isConflict, labelSelectorFrom, StatusError, tooManyRequests } from '@bayplan/api';
import type { Eviction, KubeObject, Pod, PodDisruptionBudget } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { ResourceContext } from '../../chain/context.ts';
import { decodeBody } from '../decode-object.ts';
import type { SpecialHandler } from '../dispatch.ts';
import type { StoredResource } from '../served-resource.ts';
import { deleteNamed } from '../verbs/delete.ts';
import type { VerbServices } from '../verbs/services.ts';
import { writeOptions } from '../verbs/write-options.ts';
import { success } from './success.ts';

const evictionType = { group: 'policy', version: 'v1', kind: 'Eviction' } as const;
const refused = "Cannot evict pod as it would violate the pod's disruption budget.";
const attempts = 5;

/** POST to `pods/NAME/eviction`: a deletion that a PodDisruptionBudget may refuse with 429. */
export const evictPod: SpecialHandler = async (services, context) => {
  const options = writeOptions(context);
  const eviction = (await decodeBody(context, evictionType, options.fieldValidation)) as Eviction;
  const { namespace, name } = context.info;
  if (eviction.metadata.name && eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const asked = eviction.deleteOptions;
  const dryRun = options.dryRun || (asked?.dryRun ?? []).includes('All');
  const pods = services.registry.stored('', 'v1', 'pods');
  const pod = (await pods.storage.get(namespace, name)).object as Pod;
  if (!isOver(pod)) await spendBudget(services, pod, dryRun);
  await deleteNamed({ services, context: asDeletion(context), resource: pods }, namespace, name, {
    gracePeriodSeconds: asked?.gracePeriodSeconds,
    propagationPolicy: undefined,
    uid: asked?.preconditions?.uid,
    resourceVersion: asked?.preconditions?.resourceVersion,
    dryRun,
  });
  return { kind: 'value', status: 201, value: success(pods, { name }) };
};

function asDeletion(context: ResourceContext): ResourceContext {
  return { ...context, info: { ...context.info, verb: 'delete', subresource: '' } };
}

/** Nothing is disrupted by ending a pod that has ended, has not begun, or is on its way out. */
function isOver(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || Boolean(pod.metadata.deletionTimestamp);
}

/** Takes one disruption off the pod's budget. Throws 429 when none is left. */
async function spendBudget(services: VerbServices, pod: Pod, dryRun: boolean): Promise<void> {
  const budgets = services.registry.stored('policy', 'v1', 'poddisruptionbudgets');
  await budgets.storage.cache.fresh();
  const matching = budgets.storage.cache
    .list({ namespace: pod.metadata.namespace, matches: (entry) => selects(entry.stored.object as PodDisruptionBudget, pod) })
    .map((entry) => entry.stored.object as PodDisruptionBudget);
  const [budget] = matching;
  if (budget === undefined) return;
  if (matching.length > 1) throw manyBudgets(pod, matching);
  for (let attempt = 1; ; attempt++) {
    try {
      return await spend(services, budgets, budget, pod, dryRun);
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
    }
  }
}

function selects(budget: PodDisruptionBudget, pod: Pod): boolean {
  return labelSelectorFrom(budget.spec?.selector).matches(pod.metadata.labels ?? {});
}

function manyBudgets(pod: Pod, budgets: readonly PodDisruptionBudget[]): StatusError {
  const names = budgets.map((budget) => budget.metadata.name ?? '').join(', ');
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'InternalError',
    message: `This pod has more than one PodDisruptionBudget, which the eviction subresource does not support. (${pod.metadata.name ?? ''}: ${names})`,
    code: 500,
  });
}

async function spend(
  services: VerbServices,
  budgets: StoredResource,
  budget: PodDisruptionBudget,
  pod: Pod,
  dryRun: boolean,
): Promise<void> {
  await budgets.storage.update(budget.metadata.namespace ?? '', budget.metadata.name ?? '', (current) => {
    const { status, metadata } = current.object as PodDisruptionBudget;
    if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw tooManyRequests(refused, 10);
    if (status === undefined || status.disruptionsAllowed <= 0) throw outOfBudget(current.object as PodDisruptionBudget);
    const disruptedPods = { ...status.disruptedPods, [pod.metadata.name ?? '']: timestamp(services.clock.now()) };
    const next = { ...current.object, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods } };
    return Promise.resolve(dryRun ? current : (next as KubeObject));
  });
}

function outOfBudget(budget: PodDisruptionBudget): StatusError {
  const { status, metadata } = budget;
  const cause = `The disruption budget ${metadata.name ?? ''} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`;
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'TooManyRequests',
    message: refused,
    details: { causes: [{ reason: 'DisruptionBudget', message: cause }] },
    code: 429,
  });
}
