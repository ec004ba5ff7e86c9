import { isNotFound, nodeSelectorMatches, resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { chmod, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { prepareHostPath } from './host-path.ts';
import { localPathNodeLabel, localPathProvisioner, provisionedBy } from './local-path-names.ts';
import { giveToGroup } from './volume-ownership.ts';

/** Finds what is behind the claims of pods. */
export interface ClaimVolumes {
  /** The host path of a claim's volume, made when it is a folder of this node's own. Throws with the text for the user. */
  prepare(pod: Pod, volume: Volume, signal: AbortSignal): Promise<string>;
}

export interface ClaimVolumesOptions {
  readonly client: Client;
  /** Where this node keeps the folders of local-path volumes. */
  readonly root: string;
  readonly nodeName: string;
}

export function createClaimVolumes({ client, root, nodeName }: ClaimVolumesOptions): ClaimVolumes {
  return {
    async prepare(pod, volume, signal) {
      const claim = await boundClaim(client, pod, volume, signal);
      const found = await volumeOf(client, claim, signal);
      if ((found.spec?.volumeMode ?? 'Filesystem') !== 'Filesystem') throw new Error('block volumes are not supported by this node');
      if ((found.spec?.mountOptions ?? []).length > 0) throw new Error('mount options are not supported by this node');
      const { hostPath, local } = found.spec ?? {};
      if (hostPath !== undefined) return prepareHostPath(hostPath);
      if (local === undefined) throw new Error('volumes of this kind are not supported by this node');
      await checkNode(client, found, nodeName, signal);
      if (isOwn(found, root, nodeName)) await makeFolder(root, local.path);
      else if (!(await stat(local.path).catch(() => undefined))?.isDirectory())
        throw new Error(`path ${JSON.stringify(local.path)} does not exist or is not a directory`);
      const { fsGroup, fsGroupChangePolicy = 'Always' } = pod.spec?.securityContext ?? {};
      if (fsGroup !== undefined && volume.persistentVolumeClaim?.readOnly !== true)
        await giveToGroup(local.path, fsGroup, fsGroupChangePolicy, signal);
      return local.path;
    },
  };
}

async function boundClaim(client: Client, pod: Pod, volume: Volume, signal: AbortSignal): Promise<PersistentVolumeClaim> {
  const { namespace, name: podName = '', uid } = pod.metadata;
  const name = volume.persistentVolumeClaim?.claimName ?? `${podName}-${volume.name}`;
  const claim = await read(() => client.get(resources.persistentVolumeClaims, { namespace, name }, { signal }));
  if (claim === undefined) throw new Error(`persistentvolumeclaim ${JSON.stringify(name)} not found`);
  if (volume.ephemeral !== undefined && !claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid))
    throw new Error(`PVC "${namespace ?? ''}/${name}" was not created for pod "${namespace ?? ''}/${podName}" (pod is not owner)`);
  if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName)
    throw new Error(`error processing PVC ${namespace ?? ''}/${name}: PVC is not bound`);
  return claim;
}

async function volumeOf(client: Client, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<PersistentVolume> {
  const name = claim.spec?.volumeName ?? '';
  const volume = await read(() => client.get(resources.persistentVolumes, { name }, { signal }));
  if (volume === undefined) throw new Error(`persistentvolume ${JSON.stringify(name)} not found`);
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
    throw new Error(`PV ${name} is not bound to PVC ${claim.metadata.namespace ?? ''}/${claim.metadata.name ?? ''}`);
  return volume;
}

/** A pod that no scheduler placed may be where its volume is not. */
async function checkNode(client: Client, volume: PersistentVolume, nodeName: string, signal: AbortSignal): Promise<void> {
  const required = volume.spec?.nodeAffinity?.required;
  if (required === undefined) return;
  const node = await client.get(resources.nodes, { name: nodeName }, { signal });
  if (!nodeSelectorMatches(required, { name: nodeName, labels: node.metadata.labels ?? {} }))
    throw new Error(`NodeAffinity check failed: the volume is on another node than ${nodeName}`);
}

/** Whether a volume is a folder that this node makes and removes itself: exactly `root/NAME`. */
export function isOwn(volume: PersistentVolume, root: string, nodeName: string): boolean {
  const { name = '', annotations, labels } = volume.metadata;
  return (
    annotations?.[provisionedBy] === localPathProvisioner &&
    labels?.[localPathNodeLabel] === nodeName &&
    /^pvc-[\w-]+$/.test(name) &&
    volume.spec?.local?.path === path.join(root, name)
  );
}

async function makeFolder(root: string, folder: string): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  const made = await mkdir(folder, { recursive: true });
  // Only when it is new: the pods that use it may have set a mode of their own. The umask must not show.
  if (made !== undefined) await chmod(folder, 0o777);
}

async function read<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
