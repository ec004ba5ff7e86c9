import { isAlreadyExists, resources } from '@bayplan/api';
import type { Pod, Volume } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import { controllerReference } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

/** Makes the PersistentVolumeClaims that pods' generic ephemeral volumes ask for. They go with their pod. */
export async function runEphemeralVolumeController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, signal } = context;
  const pods = informers.informer(resources.pods);
  const claims = informers.informer(resources.persistentVolumeClaims);
  const queue = queueFor(context, 'ephemeral_volume');

  onChange(context, pods, (pod, previous, deleted) => {
    if (!deleted && previous === undefined && hasEphemeral(pod)) queue.add(keyOf(pod));
  });
  onChange(context, claims, (claim, _previous, deleted) => {
    if (!deleted) return;
    const owner = claim.metadata.ownerReferences?.find((one) => one.controller && one.kind === 'Pod');
    if (owner) queue.add(`${claim.metadata.namespace ?? ''}/${owner.name}`);
  });

  async function reconcile(key: string): Promise<void> {
    const pod = pods.lister.get(key);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    for (const volume of pod.spec?.volumes ?? []) {
      if (volume.ephemeral === undefined) continue;
      try {
        await ensureClaim(pod, volume);
      } catch (error) {
        if (namespaceIsTerminating(error)) return;
        const message = `ephemeral volume ${volume.name}: ${textOf(error)}`;
        recorder.event({ ref: resources.pods, object: pod }, 'Warning', 'FailedBinding', message);
        throw error;
      }
    }
  }

  async function ensureClaim(pod: Pod, volume: Volume): Promise<void> {
    const { namespace, name: podName = '', uid } = pod.metadata;
    const name = `${podName}-${volume.name}`;
    const existing = claims.lister.get(`${namespace ?? ''}/${name}`);
    if (existing !== undefined) {
      if (existing.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid)) return;
      throw new Error(`PVC "${name}" was not created for pod "${podName}" (pod is not owner)`);
    }
    const template = volume.ephemeral?.volumeClaimTemplate;
    const { labels, annotations } = template?.metadata ?? {};
    const metadata = {
      ...(namespace ? { namespace } : {}),
      name,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(resources.pods, pod)],
    };
    try {
      await client.create(resources.persistentVolumeClaims, { metadata, ...(template ? { spec: template.spec } : {}) }, { signal });
    } catch (error) {
      // The cache was behind; the next round looks at the owner.
      if (!isAlreadyExists(error)) throw error;
      queue.addRateLimited(keyOf(pod));
    }
  }

  await runController(context, { queue, caches: [pods, claims], reconcile });
}

function hasEphemeral(pod: Pod): boolean {
  return pod.spec?.volumes?.some((volume) => volume.ephemeral !== undefined) ?? false;
}
