import { isNotFound, resources } from '@bayplan/api';
import type { PersistentVolume } from '@bayplan/api';
import { createInformer, createWorkQueue, dropManagedFields, runReconciler } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import type { Clock, Logger } from '@bayplan/component-base';
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isOwn } from './claim-volumes.ts';
import { localPathFinalizer, localPathNodeLabel } from './local-path-names.ts';

export interface LocalFoldersOptions {
  readonly client: Client;
  /** Where this node keeps the folders of local-path volumes. */
  readonly root: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Removes the folders of local-path volumes of this node that are being deleted, then lets the volumes go. A
 * volume with the policy Retain leaves its folder behind. Resolves when the signal has aborted.
 */
export async function removeLocalFolders(options: LocalFoldersOptions): Promise<void> {
  const { client, root, nodeName, clock, logger, signal } = options;
  const volumes = createInformer({
    client,
    ref: resources.persistentVolumes,
    labelSelector: `${localPathNodeLabel}=${nodeName}`,
    transform: dropManagedFields,
    clock,
    logger,
  });
  const queue = createWorkQueue({ name: 'local_folders', clock });
  /** Volumes that were let go and that the cache still shows: of those that are gone the server tells a node nothing. */
  const released = new Set<string>();
  signal.addEventListener('abort', () => queue.shutDown(), { once: true });
  const notice = (volume: PersistentVolume): void => {
    if (isWaiting(volume)) queue.add(volume.metadata.name ?? '');
  };
  volumes.addHandlers({ onAdd: notice, onUpdate: notice, onDelete: (volume) => void released.delete(volume.metadata.uid ?? '') });
  volumes.start(signal);
  await runReconciler({
    queue,
    logger,
    signal,
    reconcile: async (name) => {
      const volume = volumes.lister.get(name);
      if (volume === undefined || !isWaiting(volume) || released.has(volume.metadata.uid ?? '')) return;
      const mayGo = volume.spec?.persistentVolumeReclaimPolicy === 'Delete' && isOwn(volume, root, nodeName);
      if (mayGo && (await removeFolder(root, name))) logger.info('Removed the folder of a deleted volume', { volume: name });
      const { uid, resourceVersion, finalizers = [] } = volume.metadata;
      const metadata = { uid, resourceVersion, finalizers: finalizers.filter((one) => one !== localPathFinalizer) };
      try {
        await client.patch(resources.persistentVolumes, { name }, 'merge', { metadata }, { signal });
        released.add(uid ?? '');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  });
}

/** Being deleted, held by us, and no claim has it any more. */
function isWaiting(volume: PersistentVolume): boolean {
  const { deletionTimestamp, finalizers } = volume.metadata;
  return deletionTimestamp !== undefined && (finalizers?.includes(localPathFinalizer) ?? false) && volume.status?.phase !== 'Bound';
}

/** Removes `root/name` and nothing else. Answers whether there was anything. */
async function removeFolder(root: string, name: string): Promise<boolean> {
  const folder = path.join(root, name);
  const doomed = path.join(root, `.removing-${name}`);
  // Out of the way in one step, so that an interrupted removal never leaves half a volume under its name.
  if ((await lstat(folder).catch(() => undefined)) !== undefined) await rename(folder, doomed);
  const found = (await lstat(doomed).catch(() => undefined)) !== undefined;
  // Does not follow links.
  await rm(doomed, { recursive: true, force: true });
  return found;
}
