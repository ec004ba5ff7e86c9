import { badRequest, isNotFound, serverSideApply, typedFailure, typedFaults, unsupportedMediaType } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Outcome } from '../../chain/outcome.ts';
import { objectIn } from '../../chain/encode.ts';
import { contentTypeOf, parseJson } from '../body.ts';
import { parseYaml } from '../yaml.ts';
import { decodeAs, descriptorOf, readTyped, toStored } from '../decode-object.ts';
import { versionViews } from '../managed-fields.ts';
import { patched, patchFault, patchTypes } from '../patches.ts';
import type { StoredResource } from '../served-resource.ts';
import type { StoredObject } from '../stored-object.ts';
import { createFrom } from './create.ts';
import { settleNamespace } from './metadata.ts';
import type { VerbCall } from './services.ts';
import { changeObject } from './update.ts';
import { writeOptions } from './write-options.ts';
import type { WriteOptions } from './write-options.ts';

const strategicMerge = 'application/strategic-merge-patch+json';
/** Custom resources have no Go types whose tags could say how lists merge. */
const customPatchTypes = patchTypes.filter((type) => type !== strategicMerge);

/** PATCH of an object or of a part of it. Apply also creates. */
export async function patchObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const options = writeOptions(context);
  const contentType = contentTypeOf(context);
  if (resource.custom !== undefined && contentType === strategicMerge) throw unsupportedMediaType(customPatchTypes);
  const patch = await readPatch(call, contentType);
  if (contentType === 'application/apply-patch+yaml') return applyObject(call, patch, options);
  const stored = await changeObject(call, options, (current) => {
    const next = patched(contentType, objectIn(resource, current), patch, descriptorOf(resource));
    try {
      return toStored(resource, decodeAs(context, resource, ownOf(resource, next), options.fieldValidation));
    } catch (error) {
      throw patchFault(error, contentType, patch, next);
    }
  });
  return { kind: 'object', status: 200, resource, object: stored };
}

async function applyObject(call: VerbCall, patch: unknown, given: WriteOptions): Promise<Outcome> {
  const { context, resource } = call;
  const options = { ...given, applied: true };
  const applied = readTyped(context, resource, patch, 'Ignore', true);
  if (applied.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  settleNamespace(applied, resource.namespaced ? context.info.namespace : '');
  applied.metadata.name ??= context.info.name;
  if (applied.metadata.name !== context.info.name)
    throw badRequest(`the name of the object (${applied.metadata.name}) does not match the name on the URL (${context.info.name})`);
  const faults = typedFaults(patch, descriptorOf(resource));
  if (faults.length > 0) throw typedFailure(applied, faults);
  try {
    const stored = await changeObject(call, options, (current) => merged(call, current, applied, options));
    return { kind: 'object', status: 200, resource, object: stored };
  } catch (error) {
    if (!isNotFound(error) || context.info.subresource !== '') throw error;
    if (applied.metadata.uid) throw error;
    return { kind: 'object', status: 201, resource, object: await createFrom(call, merged(call, undefined, applied, options), options) };
  }
}

function merged(call: VerbCall, current: StoredObject | undefined, applied: KubeObject, options: WriteOptions): KubeObject {
  const { services, context, resource } = call;
  const { subresource } = context.info;
  const { object } = serverSideApply({
    descriptor: descriptorOf(resource),
    live: current === undefined ? undefined : objectIn(resource, current),
    applied,
    manager: options.fieldManager,
    force: options.force,
    subresource: subresource === '' ? undefined : subresource,
    now: timestamp(services.clock.now()),
    views: versionViews(resource),
  });
  return toStored(resource, decodeAs(context, resource, ownOf(resource, object), 'Ignore'));
}

/**
 * A value that shares parts with what is stored, to be decoded and then changed. Decoding a built-in kind makes
 * everything anew but the parts without a schema, which nobody changes inside; of a custom one it makes nothing.
 */
function ownOf<T>(resource: StoredResource, value: T): T {
  return resource.custom === undefined ? value : structuredClone(value);
}

async function readPatch(call: VerbCall, contentType: string): Promise<unknown> {
  const { body } = call.context.request;
  if (body.kind === 'object') return body.value;
  if (body.kind === 'none') return {};
  const bytes = await body.read();
  return contentType === 'application/apply-patch+yaml' ? parseYaml(bytes) : parseJson(bytes);
}
