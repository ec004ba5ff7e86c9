import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, ServiceAccountTokenProjection, Volume } from '@bayplan/api';
import { fieldValue, resourceValue } from '../runtime/downward.ts';
import type { FieldSurroundings } from '../runtime/downward.ts';
import type { ObjectSource } from '../runtime/object-source.ts';
import type { ProjectedFile } from './atomic-writer.ts';
import type { TokenSource } from './service-account-tokens.ts';

/** Everything that the files of a volume are made from. */
export interface PayloadSources {
  readonly objects: ObjectSource;
  readonly tokens: TokenSource;
  readonly fields: FieldSurroundings;
  /** How old ConfigMaps and Secrets from memory may be. */
  readonly maxAgeMs: number;
  /** A file that the volume has already, as text. */
  readonly present: (relativePath: string) => Promise<string | undefined>;
}

export type Payload = Map<string, ProjectedFile>;

const defaultFileMode = 0o644;

/**
 * The files of a configMap, secret, downwardAPI or projected volume; undefined for other kinds.
 * Throws with the text for the user when something it needs is missing.
 */
export async function volumePayload(pod: Pod, volume: Volume, sources: PayloadSources, signal: AbortSignal): Promise<Payload | undefined> {
  const payload: Payload = new Map();
  if (volume.configMap !== undefined) {
    const { name, items, optional, defaultMode } = volume.configMap;
    await addConfigMap(payload, pod, { name, items, optional }, defaultMode ?? defaultFileMode, sources, signal);
    return payload;
  }
  if (volume.secret !== undefined) {
    const { secretName, items, optional, defaultMode } = volume.secret;
    await addSecret(payload, pod, { name: secretName, items, optional }, defaultMode ?? defaultFileMode, sources, signal);
    return payload;
  }
  if (volume.downwardAPI !== undefined) {
    addFields(payload, pod, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? defaultFileMode, sources);
    return payload;
  }
  if (volume.projected === undefined) return undefined;
  const mode = volume.projected.defaultMode ?? defaultFileMode;
  for (const source of volume.projected.sources ?? []) {
    if (source.configMap !== undefined) await addConfigMap(payload, pod, source.configMap, mode, sources, signal);
    else if (source.secret !== undefined) await addSecret(payload, pod, source.secret, mode, sources, signal);
    else if (source.downwardAPI !== undefined) addFields(payload, pod, source.downwardAPI.items ?? [], mode, sources);
    else if (source.serviceAccountToken !== undefined) await addToken(payload, pod, source.serviceAccountToken, mode, sources, signal);
    else throw new Error('a source of this projected volume is not supported on this node');
  }
  return payload;
}

/** Whether the content of a volume can change while the pod runs. */
export function isRefreshable(volume: Volume): boolean {
  return (
    volume.configMap !== undefined || volume.secret !== undefined || volume.downwardAPI !== undefined || volume.projected !== undefined
  );
}

interface ObjectReference {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

async function addConfigMap(
  payload: Payload,
  pod: Pod,
  reference: ObjectReference,
  mode: number,
  sources: PayloadSources,
  signal: AbortSignal,
): Promise<void> {
  const name = reference.name ?? '';
  const map: ConfigMap | undefined = await sources.objects.configMap(pod.metadata.namespace ?? '', name, sources.maxAgeMs, signal);
  if (map === undefined) {
    if (reference.optional !== true) throw new Error(`configmap "${name}" not found`);
    return;
  }
  const content = new Map<string, Uint8Array | string>(Object.entries(map.data ?? {}));
  for (const [key, value] of Object.entries(map.binaryData ?? {})) content.set(key, Buffer.from(value, 'base64'));
  addKeys(payload, content, reference, mode);
}

async function addSecret(
  payload: Payload,
  pod: Pod,
  reference: ObjectReference,
  mode: number,
  sources: PayloadSources,
  signal: AbortSignal,
): Promise<void> {
  const name = reference.name ?? '';
  const secret: Secret | undefined = await sources.objects.secret(pod.metadata.namespace ?? '', name, sources.maxAgeMs, signal);
  if (secret === undefined) {
    if (reference.optional !== true) throw new Error(`secret "${name}" not found`);
    return;
  }
  addKeys(payload, new Map(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')])), reference, mode);
}

function addKeys(payload: Payload, content: ReadonlyMap<string, Uint8Array | string>, reference: ObjectReference, mode: number): void {
  if (reference.items === undefined || reference.items.length === 0) {
    for (const [key, value] of content) payload.set(key, { content: value, mode });
    return;
  }
  for (const item of reference.items) {
    const value = content.get(item.key);
    if (value !== undefined) payload.set(checkedPath(item.path), { content: value, mode: item.mode ?? mode });
    else if (reference.optional !== true) throw new Error(`references non-existent config key: ${item.key}`);
  }
}

function addFields(payload: Payload, pod: Pod, items: readonly DownwardAPIVolumeFile[], mode: number, sources: PayloadSources): void {
  for (const item of items) {
    const container = pod.spec?.containers.find((one) => one.name === item.resourceFieldRef?.containerName) ?? pod.spec?.containers[0];
    const content =
      item.fieldRef !== undefined
        ? fieldValue(pod, item.fieldRef.fieldPath, sources.fields)
        : item.resourceFieldRef !== undefined && container !== undefined
          ? resourceValue(pod, container, item.resourceFieldRef, sources.fields)
          : '';
    payload.set(checkedPath(item.path), { content, mode: item.mode ?? mode });
  }
}

async function addToken(
  payload: Payload,
  pod: Pod,
  source: ServiceAccountTokenProjection,
  mode: number,
  sources: PayloadSources,
  signal: AbortSignal,
): Promise<void> {
  const content = await sources.tokens.token(pod, source, () => sources.present(source.path), signal);
  // Only a common user of all containers may own the file alone; else every user must be able to read it.
  payload.set(checkedPath(source.path), { content, mode: commonUser(pod) !== undefined ? 0o600 : mode });
}

/** The user that all containers run as, or undefined when they differ or do not say. */
export function commonUser(pod: Pod): number | undefined {
  const users = new Set(
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
      (container) => container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser,
    ),
  );
  const [user] = users;
  return users.size === 1 ? user : undefined;
}

/** The API server refuses such paths too; a node must not depend on that. */
function checkedPath(path: string): string {
  if (path === '' || path.startsWith('/') || path.split('/').includes('..') || path.startsWith('..'))
    throw new Error(`invalid path "${path}" in a volume`);
  return path;
}
