import { trackUpdate as track } from '@bayplan/api';
import type { KubeObject, VersionViews } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Clock } from '@bayplan/component-base';
import { conversions, storedVersionOf } from './conversions.ts';
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
  const { conversion } = resource;
  const converts = resource.custom === undefined && conversion !== undefined;
  const asked = (stored: KubeObject): KubeObject => (converts ? conversion.fromStored(stored) : stored);
  const tracked = track({
    descriptor: descriptorOf(converts || resource.custom !== undefined ? resource : resource.storage.resource),
    live: live === undefined ? undefined : asked(live),
    next: asked(object),
    manager: options.fieldManager,
    subresource: subresource === '' ? undefined : subresource,
    now: timestamp(clock.now()),
    views: versionViews(resource),
  });
  const entries = tracked.metadata.managedFields;
  object.metadata = { ...object.metadata };
  if (entries === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = entries;
}

/** For built-in resources that are served in several versions whose fields have different names. */
export function versionViews(resource: StoredResource): VersionViews | undefined {
  if (resource.custom !== undefined) return undefined;
  const stored = resource.storage.resource;
  const { conversion } = resource;
  return (apiVersion) => {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const type = { group, version, kind: resource.kind };
    if (conversion !== undefined && apiVersion === stored.apiVersion)
      return { descriptor: descriptorOf(stored), convert: (object) => conversion.toStored(object) };
    const other = conversions.get(`${group}/${version}/${resource.resource}`);
    if (conversion !== undefined || other === undefined || storedVersionOf({ ...resource, group, version }).group !== stored.group)
      return undefined;
    return { descriptor: descriptorOf(type), convert: (object) => other.fromStored(object) };
  };
}
