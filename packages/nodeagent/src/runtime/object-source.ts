import { isNotFound, resources } from '@bayplan/api';
import type { ConfigMap, KubeObject, ResourceRef, Secret } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import type { Clock } from '@bayplan/component-base';

/** Reads ConfigMaps and Secrets for pods; pods that use the same one share a read. */
export interface ObjectSource {
  /** Undefined when there is none. @param maxAgeMs how old an answer from memory may be. */
  configMap(namespace: string, name: string, maxAgeMs: number, signal: AbortSignal): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string, maxAgeMs: number, signal: AbortSignal): Promise<Secret | undefined>;
  /** Drops what nobody has asked for lately. */
  prune(): void;
}

interface Entry {
  readonly askedAtMs: number;
  readonly answer: Promise<KubeObject | undefined>;
}

const keptMs = 300_000;

export function createObjectSource(client: Client, clock: Clock): ObjectSource {
  const entries = new Map<string, Entry>();
  const read = <T extends KubeObject & { immutable?: boolean | undefined }>(
    ref: ResourceRef<T>,
    namespace: string,
    name: string,
    maxAgeMs: number,
    signal: AbortSignal,
  ): Promise<T | undefined> => {
    const key = `${ref.resource}/${namespace}/${name}`;
    const entry = entries.get(key);
    if (entry !== undefined && clock.monotonic() - entry.askedAtMs <= maxAgeMs) return entry.answer as Promise<T | undefined>;
    const answer = client.get(ref, { namespace, name }, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    entries.set(key, { askedAtMs: clock.monotonic(), answer });
    // A failure must not be remembered: the next reader asks again.
    answer.catch(() => entries.delete(key));
    return answer;
  };
  return {
    configMap: (namespace, name, maxAgeMs, signal) => read(resources.configMaps, namespace, name, maxAgeMs, signal),
    secret: (namespace, name, maxAgeMs, signal) => read(resources.secrets, namespace, name, maxAgeMs, signal),
    prune() {
      for (const [key, entry] of entries) if (clock.monotonic() - entry.askedAtMs > keptMs) entries.delete(key);
    },
  };
}
