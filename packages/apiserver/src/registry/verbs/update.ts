import { badRequest, copyJson, dropDisabledFields, isNotFound, warningsFor } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { admissionRequest, replaceContents } from '../../admission/admission.ts';
import type { GroupVersionKind } from '../../admission/admission.ts';
import { writeOptionsObject } from '../../admission/request-options.ts';
import type { Outcome } from '../../chain/outcome.ts';
import { decodeObject } from '../decode-object.ts';
import { trackUpdate } from '../managed-fields.ts';
import type { StoredObject } from '../stored-object.ts';
import { createFrom } from './create.ts';
import { checkPreconditions, countGeneration, keepSystemMetadata, settleNamespace } from './metadata.ts';
import { partsOf } from './parts.ts';
import { preview } from './preview.ts';
import type { VerbCall } from './services.ts';
import { validateUpdate } from './validate.ts';
import { writeOptions } from './write-options.ts';
import type { WriteOptions } from './write-options.ts';

/** PUT of an object or of a subresource that is a part of it. */
export async function updateObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const { namespace, name, subresource } = context.info;
  const options = writeOptions(context);
  const body = await decodeObject(context, resource, options);
  settleNamespace(body, namespace);
  if (body.metadata.name !== name) {
    throw badRequest(`the name of the object (${body.metadata.name ?? ''}) does not match the name on the URL (${name})`);
  }
  try {
    const stored = await changeObject(call, options, () => copyJson(body));
    return { kind: 'object', status: 200, resource, object: stored };
  } catch (error) {
    if (!isNotFound(error) || subresource !== '' || !resource.strategy.allowCreateOnUpdate || body.metadata.resourceVersion) throw error;
    return { kind: 'object', status: 201, resource, object: await createFrom(call, body, options) };
  }
}

/** How a subresource with a kind of its own shows an object to admission, and takes back what that made of it. */
export interface AdmissionView {
  readonly kind: GroupVersionKind;
  show(object: KubeObject): KubeObject;
  /** A new object; neither argument changes. */
  apply(object: KubeObject, shown: KubeObject): KubeObject;
}

/**
 * The path that PUT, PATCH and the server's own changes share: `make` builds the wanted state, in the
 * stored version, from the present one (again for each attempt); then come admission, validation and
 * the store.
 */
export async function changeObject(
  call: VerbCall,
  options: WriteOptions,
  make: (current: StoredObject) => KubeObject | Promise<KubeObject>,
  view?: AdmissionView,
): Promise<StoredObject> {
  const { resource, context } = call;
  const { namespace, name } = context.info;
  let previewed: StoredObject | undefined;
  let before: KubeObject | undefined;
  const stored = await resource.storage.update(namespace, name, async (current) => {
    before = current.object;
    const next = await nextState(call, options, current, await make(current), view);
    if (!options.dryRun) return next;
    previewed = preview(resource, next, current.revision);
    return current;
  });
  if (previewed !== undefined) return previewed;
  const isWhole = context.info.subresource === '';
  if (isWhole && before !== undefined) await resource.strategy.afterUpdate?.(stored.object, before);
  return stored;
}

async function nextState(
  call: VerbCall,
  options: WriteOptions,
  current: StoredObject,
  wanted: KubeObject,
  view: AdmissionView | undefined,
): Promise<KubeObject> {
  const { services, context, resource } = call;
  const { namespace, name, subresource } = context.info;
  const old = current.object;
  resource.strategy.normalize?.(wanted);

  checkPreconditions(wanted, old, resource);
  keepSystemMetadata(wanted, old);
  const next = partsOf(resource, subresource, wanted, old);
  const shown = view === undefined ? next : view.show(next);
  const subject = {
    operation: 'UPDATE',
    resource,
    subresource,
    namespace,
    name,
    object: shown,
    old: view === undefined ? old : view.show(old),
    bodyKind: view?.kind,
    options: writeOptionsObject('UpdateOptions', context),
    dryRun: options.dryRun,
  } as const;
  const request = admissionRequest(context, subject);
  await services.admission.mutate(request);
  // Nobody changes through admission what the request itself could not.
  const admitted = view === undefined ? { ...next } : view.apply(next, shown);
  replaceContents(next, partsOf(resource, subresource, admitted, old));
  keepSystemMetadata(next, old);
  if (resource.custom === undefined) dropDisabledFields(context.features, resource.storage.resource, next, old);
  countGeneration(next, old, resource);
  if (subresource === 'status') await resource.strategy.prepareForStatusUpdate?.(next, old, context);
  else await resource.strategy.prepareForUpdate?.(next, old, context, options.dryRun);
  trackUpdate(next, old, resource, subresource, options, services.clock);
  try {
    await validateUpdate(next, old, resource, subresource);
    if (subresource === '' && resource.custom === undefined) context.warnings.push(...warningsFor(resource.storage.resource, next, old));
    await services.admission.validate(view === undefined ? request : admissionRequest(context, { ...subject, object: view.show(next) }));
  } catch (error) {
    if (subresource === '') await resource.strategy.undoUpdate?.(next, old);
    throw error;
  }
  return next;
}
