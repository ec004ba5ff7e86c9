import { isAlreadyExists, isNotFound } from '@bayplan/api';
import type { KubeObject, ResourceRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';

/** Creates an object unless it is there. Resolves with what is there. */
export async function ensure<T extends KubeObject>(client: Client, ref: ResourceRef<T>, object: T): Promise<T> {
  const key = { name: object.metadata.name ?? '', namespace: object.metadata.namespace };
  try {
    return await client.get(ref, key);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    return await client.create(ref, object);
  } catch (error) {
    // Another server was quicker.
    if (!isAlreadyExists(error)) throw error;
    return client.get(ref, key);
  }
}
