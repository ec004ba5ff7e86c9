import { isVolumeFor, resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import type { Clock } from '@bayplan/component-base';
import type { ClusterCache } from './cache/cluster-cache.ts';
import type { VolumeCache } from './cache/volume-cache.ts';
import type { PodShape } from './framework/pod-shape.ts';
import { isFullyBound, selectedNode } from './framework/volumes.ts';
import { claimsOfShape } from './plugins/claims-of-shape.ts';
import { chooseVolumes } from './plugins/volume-binding.ts';
import type { VolumeChoice } from './plugins/volume-binding.ts';

/** How long a pod with a node waits for its volumes, as in Kubernetes. */
const bindTimeoutMs = 600_000;
const boundByController = 'pv.kubernetes.io/bound-by-controller';

/** Volumes chosen for a pod that is about to be bound to a node. */
export interface VolumeReservation {
  /** Writes the choices and resolves when all claims are bound. Rejects when one cannot be, or on the signal. */
  bind(signal: AbortSignal): Promise<void>;
  /** Ends the reservation, whatever came of it. */
  release(): void;
}

export interface VolumeBinderOptions {
  readonly client: Client;
  readonly volumes: VolumeCache;
  readonly clock: Clock;
}

/** Reserves volumes for a pod on the chosen node. Undefined when nothing has to be bound. */
export function reserveVolumes(
  options: VolumeBinderOptions,
  shape: PodShape,
  nodeName: string,
  cache: ClusterCache,
): VolumeReservation | undefined {
  if (shape.claims.length === 0) return undefined;
  const { columns } = cache;
  const { delayed } = claimsOfShape(shape, columns.volumes);
  const row = columns.rowOf(nodeName);
  if (delayed.length === 0 || row === undefined) return undefined;
  const choices = chooseVolumes(delayed, row, columns) ?? [];
  for (const { claim, volume } of choices) if (volume) options.volumes.take(volume.metadata.name ?? '', keyOf(claim));
  return {
    bind: (signal) => bindAll(options, delayed, choices, nodeName, signal),
    release() {
      for (const { volume } of choices) if (volume) options.volumes.giveBack(volume.metadata.name ?? '');
    },
  };
}

async function bindAll(
  options: VolumeBinderOptions,
  claims: readonly PersistentVolumeClaim[],
  choices: readonly VolumeChoice[],
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  const { client } = options;
  for (const { claim, volume } of choices) {
    if (volume === undefined) await chooseNode(client, claim, nodeName, signal);
    else await keepFor(client, volume, claim, signal);
  }
  const provisioned = new Set(choices.filter(({ volume }) => volume === undefined).map(({ claim }) => keyOf(claim)));
  await untilBound(options, claims, provisioned, nodeName, signal);
}

/** Tells the provisioner of a claim where its volume is needed. */
async function chooseNode(client: Client, claim: PersistentVolumeClaim, nodeName: string, signal: AbortSignal): Promise<void> {
  if (claim.metadata.annotations?.[selectedNode] === nodeName) return;
  const { namespace, name = '', uid } = claim.metadata;
  const metadata = { uid, annotations: { [selectedNode]: nodeName } };
  await client.patch(resources.persistentVolumeClaims, { namespace, name }, 'merge', { metadata }, { signal });
}

/** Keeps a volume for a claim; the volume controller binds the two. */
async function keepFor(client: Client, volume: PersistentVolume, claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
  if (isVolumeFor(volume, claim) && volume.spec?.claimRef?.uid) return;
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  const annotations = { ...volume.metadata.annotations, ...(volume.spec?.claimRef === undefined ? { [boundByController]: 'yes' } : {}) };
  const next = { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } };
  await client.update(resources.persistentVolumes, next, { signal });
}

async function untilBound(
  { volumes, clock }: VolumeBinderOptions,
  claims: readonly PersistentVolumeClaim[],
  provisioned: ReadonlySet<string>,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  /** Annotations that were seen: one that goes away again is a provisioner's refusal. */
  const seen = new Set<string>();
  const isDone = (): boolean =>
    claims
      .map((claim) => {
        const key = keyOf(claim);
        const now = volumes.claim(key);
        if (now === undefined || now.metadata.uid !== claim.metadata.uid) throw new Error(`persistentvolumeclaim "${key}" not found`);
        if (isFullyBound(now)) return true;
        const chosen = now.metadata.annotations?.[selectedNode];
        if (chosen === nodeName) seen.add(key);
        else if (provisioned.has(key) && seen.has(key)) throw new Error(`provisioning failed for PVC "${claim.metadata.name ?? ''}"`);
        return false;
      })
      .every(Boolean);
  if (isDone()) return;
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void): void => {
      stop();
      timer.cancel();
      signal.removeEventListener('abort', abort);
      settle();
    };
    const abort = (): void => end(() => reject(new Error('the scheduler was stopped')));
    const timer = clock.after(bindTimeoutMs, () => end(() => reject(new Error('context deadline exceeded'))));
    let listening = false;
    const look = (): void => {
      // Handlers are called for what is there already, before there is anything to end.
      if (!listening) return;
      try {
        if (isDone()) end(resolve);
      } catch (error) {
        end(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const stop = volumes.onChange(look);
    listening = true;
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else look();
  });
}
