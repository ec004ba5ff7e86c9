import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { Node, PersistentVolume, Pod, VolumeAttachment } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { claimNamesOf, indexByClaim, podsOfClaim } from '../pods/pods-by-claim.ts';
import { isFinished } from '../pods/pod-state.ts';
import { indexByNode, podsOnNode } from '../pods/pods-on-node.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { attachmentName, isExclusive, mayForceDetach, newAttachment, uniqueVolumeName } from './attachments.ts';

/** A node that is not ready may keep saying for ever that it uses a volume: it is believed this long. */
const forceDetachAfterMs = 6 * 60_000;
const byNode = 'attachments by node';
const byVolume = 'attachments by volume';

/**
 * Keeps a VolumeAttachment for every CSI volume and node where pods need it, and the node's `volumesAttached`.
 * The driver's attacher does the attaching.
 */
export async function runAttachDetachController(context: ControllerContext): Promise<void> {
  const { client, informers, recorder, clock, signal } = context;
  const pods = indexByClaim(indexByNode(informers.informer(resources.pods)));
  const claims = informers.informer(resources.persistentVolumeClaims);
  const volumes = informers.informer(resources.persistentVolumes);
  const nodes = informers.informer(resources.nodes);
  const drivers = informers.informer(resources.csiDrivers);
  const attachments = informers.informer(resources.volumeAttachments);
  attachments.addIndexers({
    [byNode]: (one) => [one.spec.nodeName],
    [byVolume]: (one) => (one.spec.source.persistentVolumeName ? [one.spec.source.persistentVolumeName] : []),
  });
  const queue = queueFor(context, 'attach_detach');
  /** Since when nothing needs an attachment, by its name. */
  const undesiredSinceMs = new Map<string, number>();

  const wakeClaim = (key: string): void => {
    for (const pod of podsOfClaim(pods, key)) if (pod.spec?.nodeName) queue.add(pod.spec.nodeName);
  };
  const wakeVolume = (volume: PersistentVolume | undefined): void => {
    const ref = volume?.spec?.claimRef;
    if (volume?.spec?.csi !== undefined && ref) wakeClaim(`${ref.namespace ?? ''}/${ref.name ?? ''}`);
  };
  onChange(context, pods, (pod, previous, deleted) => {
    const nodeName = pod.spec?.nodeName;
    if (!nodeName || claimNamesOf(pod).length === 0) return;
    if (deleted || previous?.spec?.nodeName !== nodeName || isFinished(previous) !== isFinished(pod)) queue.add(nodeName);
  });
  onChange(context, claims, (claim, previous) => {
    if (claim.spec?.volumeName !== previous?.spec?.volumeName) wakeClaim(keyOf(claim));
  });
  onChange(context, volumes, (volume, previous) => {
    if (previous === undefined) wakeVolume(volume);
  });
  onChange(context, attachments, (attachment, previous, deleted) => {
    const volume = volumes.lister.get(attachment.spec.source.persistentVolumeName ?? '');
    if (deleted) {
      undesiredSinceMs.delete(attachment.metadata.name ?? '');
      wakeVolume(volume);
    } else if (volume !== undefined) report(attachment, previous, volume);
    queue.add(attachment.spec.nodeName);
  });
  onChange(context, nodes, (node, previous) => {
    const name = node.metadata.name ?? '';
    if (attachments.lister.byIndex(byNode, name).length === 0) return;
    const part = (of: Node | undefined): unknown => [of?.status?.volumesInUse, of?.status?.volumesAttached, of?.spec?.taints];
    if (!semanticallyEqual(part(node), part(previous))) queue.add(name);
  });

  /** Tells pods how the attaching of their volume went. */
  function report(attachment: VolumeAttachment, previous: VolumeAttachment | undefined, volume: PersistentVolume): void {
    if (previous === undefined) return;
    const name = JSON.stringify(volume.metadata.name);
    const error = attachment.status?.attachError?.message;
    const isNew = attachment.status?.attached === true && previous.status?.attached !== true;
    if (isNew)
      tell(volume, attachment.spec.nodeName, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume ${name} `);
    else if (error && error !== previous.status?.attachError?.message)
      tell(volume, attachment.spec.nodeName, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${name} : ${error}`);
  }

  function tell(volume: PersistentVolume, nodeName: string, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const ref = volume.spec?.claimRef;
    for (const pod of podsOfClaim(pods, `${ref?.namespace ?? ''}/${ref?.name ?? ''}`)) {
      if (pod.spec?.nodeName === nodeName && !isFinished(pod)) recorder.event({ ref: resources.pods, object: pod }, type, reason, message);
    }
  }

  /** The CSI volumes that pods of a node need attached, by name. */
  function wantedOn(nodeName: string): Map<string, PersistentVolume> {
    const wanted = new Map<string, PersistentVolume>();
    for (const pod of podsOnNode(pods, nodeName)) {
      if (isFinished(pod)) continue;
      for (const claimName of claimNamesOf(pod)) {
        const volume = volumeOf(pod, claimName);
        if (volume?.spec?.csi === undefined || drivers.lister.get(volume.spec.csi.driver)?.spec.attachRequired === false) continue;
        wanted.set(volume.metadata.name ?? '', volume);
      }
    }
    return wanted;
  }

  function volumeOf(pod: Pod, claimName: string): PersistentVolume | undefined {
    const claim = claims.lister.get(`${pod.metadata.namespace ?? ''}/${claimName}`);
    const volume = claim?.spec?.volumeName ? volumes.lister.get(claim.spec.volumeName) : undefined;
    return volume?.spec?.claimRef?.uid === claim?.metadata.uid ? volume : undefined;
  }

  async function reconcile(nodeName: string): Promise<ReconcileResult | void> {
    const node = nodes.lister.get(nodeName);
    const wanted = wantedOn(nodeName);
    const present = attachments.lister.byIndex(byNode, nodeName).filter((one) => one.spec.source.persistentVolumeName);
    let nextMs = Infinity;
    for (const attachment of present) {
      if (attachment.metadata.deletionTimestamp !== undefined) continue;
      const name = attachment.metadata.name ?? '';
      const volumeName = attachment.spec.source.persistentVolumeName ?? '';
      const volume = wanted.get(volumeName);
      if (volume !== undefined && attachmentName(volume, nodeName) === name) undesiredSinceMs.delete(name);
      else nextMs = Math.min(nextMs, await detach(attachment, node, volumes.lister.get(volumeName)));
    }
    if (node !== undefined) {
      for (const volume of wanted.values()) await attach(volume, nodeName);
      await writeAttached(node, wanted, present);
    }
    if (nextMs !== Infinity) return { requeueAfterMs: nextMs };
  }

  async function attach(volume: PersistentVolume, nodeName: string): Promise<void> {
    const volumeName = volume.metadata.name ?? '';
    const elsewhere = attachments.lister.byIndex(byVolume, volumeName).filter((one) => one.spec.nodeName !== nodeName);
    const name = attachmentName(volume, nodeName);
    if (attachments.lister.get(name) !== undefined) return;
    if (elsewhere.length > 0 && isExclusive(volume)) {
      const why = "Volume is already exclusively attached to one node and can't be attached to another";
      tell(volume, nodeName, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume ${JSON.stringify(volumeName)} ${why}`);
      return;
    }
    try {
      await client.create(resources.volumeAttachments, newAttachment(volume, nodeName), { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Deletes an attachment that nothing needs, once its node has let go. Answers when to look again, in ms. */
  async function detach(attachment: VolumeAttachment, node: Node | undefined, volume: PersistentVolume | undefined): Promise<number> {
    const { name = '', uid } = attachment.metadata;
    const nowMs = clock.monotonic();
    const sinceMs = undesiredSinceMs.get(name) ?? nowMs;
    undesiredSinceMs.set(name, sinceMs);
    const inUse = volume !== undefined && (node?.status?.volumesInUse?.includes(uniqueVolumeName(volume)) ?? false);
    if (inUse && !mayForceDetach(node, nowMs - sinceMs, forceDetachAfterMs)) return Math.max(1000, sinceMs + forceDetachAfterMs - nowMs);
    try {
      await client.delete(resources.volumeAttachments, { name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return Infinity;
  }

  async function writeAttached(
    node: Node,
    wanted: ReadonlyMap<string, PersistentVolume>,
    present: readonly VolumeAttachment[],
  ): Promise<void> {
    const attached = present
      .filter((one) => one.status?.attached === true && one.metadata.deletionTimestamp === undefined)
      .flatMap((one) => wanted.get(one.spec.source.persistentVolumeName ?? '') ?? [])
      .map((volume) => ({ name: uniqueVolumeName(volume), devicePath: '' }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const before = [...(node.status?.volumesAttached ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (semanticallyEqual(attached, before)) return;
    // Named in full: a merge patch replaces the list, and touches nothing that the node itself writes.
    const patch = { metadata: { uid: node.metadata.uid }, status: { volumesAttached: attached } };
    await client.patch(resources.nodes, { name: node.metadata.name ?? '' }, 'merge', patch, { subresource: 'status', signal });
  }

  const caches = [pods, claims, volumes, nodes, drivers, attachments];
  await runController(context, { queue, caches, reconcile });
}
