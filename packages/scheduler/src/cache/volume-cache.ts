import { classOfClaim, classOfVolume, resources } from '@bayplan/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@bayplan/api';
import type { InformerFactory } from '@bayplan/client';
import { keyOf } from '@bayplan/client';
import type { VolumeView } from '../framework/volumes.ts';

const openIndex = 'open';

/** Volumes by the claim that they are kept for or bound to, free ones by their class. */
function openValues(volume: PersistentVolume): readonly string[] {
  const ref = volume.spec?.claimRef;
  return [ref === undefined ? `class ${classOfVolume(volume)}` : `claim ${ref.namespace ?? ''}/${ref.name ?? ''}`];
}

/** The cluster's storage as informers show it, and what was chosen for pods that are about to be bound. */
export class VolumeCache implements VolumeView {
  /** Volume by volume, the claim it was chosen for. */
  readonly #chosen = new Map<string, string>();
  readonly #informers: ReturnType<typeof informersOf>;
  readonly taken = new Set<string>();

  constructor(informers: InformerFactory) {
    this.#informers = informersOf(informers);
    this.#informers.volumes.addIndexers({ [openIndex]: openValues });
  }

  get synced(): Promise<unknown> {
    return Promise.all(Object.values(this.#informers).map((informer) => informer.synced));
  }

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#informers.claims.lister.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#informers.volumes.lister.get(name);
  }

  storageClass(name: string): ReturnType<VolumeView['storageClass']> {
    return this.#informers.classes.lister.get(name);
  }

  csiNode(name: string): ReturnType<VolumeView['csiNode']> {
    return this.#informers.csiNodes.lister.get(name);
  }

  candidates(claim: PersistentVolumeClaim): readonly PersistentVolume[] {
    const { lister } = this.#informers.volumes;
    return [...lister.byIndex(openIndex, `claim ${keyOf(claim)}`), ...lister.byIndex(openIndex, `class ${classOfClaim(claim)}`)];
  }

  take(volumeName: string, claimKey: string): void {
    this.#chosen.set(volumeName, claimKey);
    this.taken.add(volumeName);
  }

  giveBack(volumeName: string): void {
    this.#chosen.delete(volumeName);
    this.taken.delete(volumeName);
  }

  /** Calls back after every change of storage. Returns a function that ends it. */
  onChange(call: () => void): () => void {
    const handlers = { onAdd: call, onUpdate: call, onDelete: call };
    const { claims, volumes, classes, csiNodes } = this.#informers;
    const off = [
      claims.addHandlers(handlers),
      volumes.addHandlers(handlers),
      classes.addHandlers(handlers),
      csiNodes.addHandlers(handlers),
    ];
    return () => off.forEach((remove) => remove());
  }
}

function informersOf(informers: InformerFactory) {
  return {
    claims: informers.informer(resources.persistentVolumeClaims),
    volumes: informers.informer(resources.persistentVolumes),
    classes: informers.informer(resources.storageClasses),
    csiNodes: informers.informer(resources.csiNodes),
  };
}
