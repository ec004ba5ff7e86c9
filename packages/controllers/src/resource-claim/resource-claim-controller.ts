import { isNotFound, resources } from '@bayplan/api';
import type { Pod, PodResourceClaim, PodResourceClaimStatus, ResourceClaimConsumerReference, ResourceV1ResourceClaim } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { controllerOf, controllerReference } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import { isFinished } from '../pods/pod-state.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';

/** On a claim made from a template: which of the pod's claims it is. */
const podClaimAnnotation = 'resource.kubernetes.io/pod-claim-name';
const finalizer = 'resource.kubernetes.io/delete-protection';
const podPrefix = 'pod ';
const claimPrefix = 'claim ';
const podIndex = 'pod';

/**
 * Makes the ResourceClaims that pods ask for by template, writes their names into the pods' status, and takes pods
 * off claims once they have ended. A claim that nobody uses any more loses its allocation.
 */
export async function runResourceClaimController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const pods = informers.informer(resources.pods);
  const claims = informers.informer(resources.resourceClaims);
  const templates = informers.informer(resources.resourceClaimTemplates);
  claims.addIndexers({ [podIndex]: podOfClaim });
  const queue = queueFor(context, 'resource_claim');

  onChange(context, pods, (pod, previous, deleted) => {
    if ((pod.spec?.resourceClaims ?? []).length === 0) return;
    if (!deleted && previous === undefined) queue.add(podPrefix + keyOf(pod));
    if (deleted || isFinished(pod)) for (const name of claimNames(pod)) queue.add(`${claimPrefix}${pod.metadata.namespace ?? ''}/${name}`);
  });
  onChange(context, claims, (claim, previous, deleted) => {
    if (!deleted && !semanticallyEqual(claim.status, previous?.status)) queue.add(claimPrefix + keyOf(claim));
    if (!deleted && claim.metadata.deletionTimestamp !== previous?.metadata.deletionTimestamp) queue.add(claimPrefix + keyOf(claim));
    if (deleted) for (const key of podOfClaim(claim)) queue.add(podPrefix + key);
  });
  onChange(context, templates, (template, previous, deleted) => {
    if (deleted || previous !== undefined) return;
    const isAsked = (pod: Pod): boolean =>
      (pod.spec?.resourceClaims ?? []).some((one) => one.resourceClaimTemplateName === template.metadata.name);
    for (const pod of pods.lister.list(template.metadata.namespace)) if (isAsked(pod)) queue.add(podPrefix + keyOf(pod));
  });

  async function reconcile(item: string): Promise<void> {
    if (item.startsWith(podPrefix)) await syncPod(item.slice(podPrefix.length));
    else await syncClaim(item.slice(claimPrefix.length));
  }

  async function syncPod(key: string): Promise<void> {
    const pod = pods.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isFinished(pod)) return;
    const statuses: PodResourceClaimStatus[] = [];
    for (const wanted of pod.spec?.resourceClaims ?? []) {
      if (!wanted.resourceClaimTemplateName) continue;
      try {
        const claim = await ensureClaim(pod, wanted, wanted.resourceClaimTemplateName);
        if (claim !== undefined) statuses.push({ name: wanted.name, resourceClaimName: claim.metadata.name });
      } catch (error) {
        if (namespaceIsTerminating(error)) return;
        const message = `PodResourceClaim ${wanted.name}: ${textOf(error)}`;
        recorder.event({ ref: resources.pods, object: pod }, 'Warning', 'FailedResourceClaimCreation', message);
        throw error;
      }
    }
    const missing = statuses.some((one) => !pod.status?.resourceClaimStatuses?.some((have) => semanticallyEqual(have, one)));
    if (!missing) return;
    const { namespace, name = '', uid } = pod.metadata;
    const patch = { metadata: { uid }, status: { resourceClaimStatuses: statuses } };
    try {
      await client.patch(resources.pods, { namespace, name }, 'strategic', patch, { subresource: 'status', signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The claim of a pod, made when it is not there; undefined while its template is missing. */
  async function ensureClaim(pod: Pod, wanted: PodResourceClaim, templateName: string): Promise<ResourceV1ResourceClaim | undefined> {
    const present = claims.lister
      .byIndex(podIndex, keyOf(pod))
      .find((claim) => controllerOf(claim)?.uid === pod.metadata.uid && claim.metadata.annotations?.[podClaimAnnotation] === wanted.name);
    if (present !== undefined) return present;
    const named = pod.status?.resourceClaimStatuses?.find((one) => one.name === wanted.name)?.resourceClaimName;
    if (named !== undefined && claims.lister.get(`${pod.metadata.namespace ?? ''}/${named}`) !== undefined)
      throw new Error(`resource claim ${named} was not created for pod ${pod.metadata.name ?? ''} (pod is not owner)`);
    const template = templates.lister.get(`${pod.metadata.namespace ?? ''}/${templateName}`);
    if (template === undefined)
      throw new Error(`resource claim template "${templateName}": resourceclaimtemplate.resource.k8s.io "${templateName}" not found`);
    const { labels, annotations } = template.spec.metadata ?? {};
    const claim: ResourceV1ResourceClaim = {
      metadata: {
        ...(pod.metadata.namespace ? { namespace: pod.metadata.namespace } : {}),
        generateName: `${pod.metadata.name ?? ''}-${wanted.name}-`,
        ...(labels ? { labels } : {}),
        annotations: { ...annotations, [podClaimAnnotation]: wanted.name },
        ownerReferences: [controllerReference(resources.pods, pod)],
      },
      spec: template.spec.spec,
    };
    const created = await client.create(resources.resourceClaims, claim, { signal });
    // A second round before the cache shows it would make a second claim.
    for (let tries = 0; tries < 50 && claims.lister.get(keyOf(created)) === undefined; tries++) await context.clock.sleep(20, signal);
    return created;
  }

  async function syncClaim(key: string): Promise<void> {
    const claim = claims.lister.get(key);
    if (claim === undefined) return;
    const before = claim.status?.reservedFor ?? [];
    const kept: ResourceClaimConsumerReference[] = [];
    for (const user of before) if (await stillUses(claim, user)) kept.push(user);
    const isFree = kept.length === 0 && claim.status?.allocation !== undefined;
    const isDoomed = claim.metadata.deletionTimestamp !== undefined;
    try {
      let current = claim;
      // A claim made for a pod, or one on its way out, gives its devices back once nobody uses it.
      if (kept.length !== before.length || (isFree && (before.length > 0 || isDoomed))) {
        const status = { ...claim.status, reservedFor: kept };
        if (isFree) delete status.allocation;
        current = await client.update(resources.resourceClaims, { ...claim, status }, { subresource: 'status', signal });
      }
      if (current.status?.allocation === undefined && current.metadata.finalizers?.includes(finalizer)) {
        const { namespace, name = '', uid, resourceVersion, finalizers } = current.metadata;
        const metadata = { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== finalizer) };
        await client.patch(resources.resourceClaims, { namespace, name }, 'merge', { metadata }, { signal });
      }
      await deleteWithPod(current);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** A claim made for a pod goes once the pod has ended, also while the pod itself is kept for its logs. */
  async function deleteWithPod(claim: ResourceV1ResourceClaim): Promise<void> {
    const owner = controllerOf(claim);
    const { namespace, name = '', uid, deletionTimestamp } = claim.metadata;
    const pod = owner?.kind === 'Pod' ? pods.lister.get(`${namespace ?? ''}/${owner.name}`) : undefined;
    if (pod === undefined || pod.metadata.uid !== owner?.uid || !isFinished(pod) || deletionTimestamp !== undefined) return;
    if ((claim.status?.reservedFor ?? []).length > 0) return;
    await client.delete(resources.resourceClaims, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
  }

  async function stillUses(claim: ResourceV1ResourceClaim, user: ResourceClaimConsumerReference): Promise<boolean> {
    // What is no pod is looked after by whoever reserved it.
    if (user.resource !== 'pods' || (user.apiGroup ?? '') !== '') return true;
    const namespace = claim.metadata.namespace ?? '';
    const cached = pods.lister.get(`${namespace}/${user.name}`);
    if (cached?.metadata.uid === user.uid) return !isFinished(cached);
    try {
      const live = await client.get(resources.pods, { namespace, name: user.name }, { signal });
      return live.metadata.uid === user.uid && !isFinished(live);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  await runController(context, { queue, caches: [pods, claims, templates], reconcile });
}

function podOfClaim(claim: ResourceV1ResourceClaim): readonly string[] {
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' ? [`${claim.metadata.namespace ?? ''}/${owner.name}`] : [];
}

function claimNames(pod: Pod): string[] {
  const named = (pod.spec?.resourceClaims ?? []).flatMap((one) => one.resourceClaimName ?? []);
  const made = (pod.status?.resourceClaimStatuses ?? []).flatMap((one) => one.resourceClaimName ?? []);
  return [...named, ...made];
}
