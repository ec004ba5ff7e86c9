import { trackUpdate as track } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock } from '@bayplan/component-base';
import { descriptorOf } from './decode-object.ts';
import type { StoredResource } from './served-resource.ts';
import type { WriteOptions } from './verbs/write-options.ts';

/** Notes in `metadata.managedFields` what a create sets, under the manager of the request. */
export function trackCreate(object: KubeObject, resource: StoredResource, options: WriteOptions, clock: Clock): void {
  note(object, undefined, resource, '', options, clock);
}

/** Notes in `metadata.managedFields` what an update or patch changes. */
export function trackUpdate(
  object: KubeObject,
  old: KubeObject,
  resource: StoredResource,
  subresource: string,
  options: WriteOptions,
  clock: Clock,
): void {
  note(object, old, resource, subresource, options, clock);
}

function note(
  object: KubeObject,
  live: KubeObject | undefined,
  resource: StoredResource,
  subresource: string,
  options: WriteOptions,
  clock: Clock,
): void {
  // Server-side apply has settled the owners already.
  if (options.applied) return;
  const tracked = track({
    descriptor: descriptorOf(resource.custom === undefined ? resource.storage.resource : resource),
    live,
    next: object,
    manager: options.fieldManager,
    subresource: subresource === '' ? undefined : subresource,
    now: timestamp(clock.now()),
  });
  object.metadata = tracked.metadata;
}
