import type { KubeObject } from '@bayplan/api';
import type { StoredResource } from '../served-resource.ts';
import { encodeForStore, StoredObject } from '../stored-object.ts';

/** What a dry run answers: the object as it would be stored, at `revision` if it already exists. */
export function preview(resource: StoredResource, object: KubeObject, revision = 0): StoredObject {
  const type = resource.storage.resource;
  return StoredObject.fromStore(type, '', revision, Buffer.from(encodeForStore(type, object)));
}
