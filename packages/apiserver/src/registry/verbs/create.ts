import { badRequest, copyJson, dropDisabledFields, generateNameConflict, isAlreadyExists, warningsFor } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import { admissionRequest } from '../../admission/admission.ts';
import type { AdmissionRequest } from '../../admission/admission.ts';
import { writeOptionsObject } from '../../admission/request-options.ts';
import type { Outcome } from '../../chain/outcome.ts';
import { decodeObject } from '../decode-object.ts';
import { emptyStatus } from '../empty-status.ts';
import { trackCreate } from '../managed-fields.ts';
import type { StoredObject } from '../stored-object.ts';
import type { StoredResource } from '../served-resource.ts';
import { preview } from './preview.ts';
import { generateName, prepareMetadata, settleNamespace } from './metadata.ts';
import type { VerbCall } from './services.ts';
import { validateCreate } from './validate.ts';
import { writeOptions } from './write-options.ts';
import type { WriteOptions } from './write-options.ts';

const maxNameAttempts = 8;

/** POST to a collection. Answers 201. */
export async function createObject(call: VerbCall): Promise<Outcome> {
  const { context, resource } = call;
  const options = writeOptions(context);
  const object = await decodeObject(context, resource, options);
  settleNamespace(object, context.info.namespace);
  if (resource.namespaced && !object.metadata.namespace) throw badRequest('an empty namespace may not be set during creation');
  if (object.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  const stored = await createFrom(call, object, options);
  return { kind: 'object', status: 201, resource, object: stored };
}

/** Creates a decoded object in the stored version: admission, validation, store. Takes it over. */
export async function createFrom(call: VerbCall, object: KubeObject, options: WriteOptions): Promise<StoredObject> {
  const { services, resource } = call;
  const generated = Boolean(object.metadata.generateName) && !object.metadata.name;
  for (let attempt = 1; ; attempt++) {
    const candidate = generated ? copyJson(object) : object;
    try {
      return await createOnce(call, candidate, options);
    } catch (error) {
      if (!generated || !isAlreadyExists(error)) throw error;
      if (attempt === maxNameAttempts) throw generateNameConflict(resource, candidate.metadata.name ?? '', 1);
      services.random.next();
    }
  }
}

async function createOnce(call: VerbCall, object: KubeObject, options: WriteOptions): Promise<StoredObject> {
  const { services, context, resource } = call;
  const { strategy } = resource;
  const request = requestOf(call, object, options);
  strategy.normalize?.(object);
  await services.admission.mutate(request);
  prepareMetadata(object, resource, services.clock, services.random);
  if (resource.subresources.some((subresource) => subresource.name === 'status')) Reflect.deleteProperty(object, 'status');
  if (resource.custom === undefined) dropDisabledFields(context.features, resource.storage.resource, object, undefined);
  trackCreate(object, resource, options, services.clock);
  setEmptyStatus(object, resource);
  generateName(object, services.random);
  await strategy.prepareForCreate?.(object, context, options.dryRun);
  try {
    await validateCreate(object, resource);
    if (resource.custom === undefined) context.warnings.push(...warningsFor(resource.storage.resource, object, undefined));
    // Its name may have been generated since.
    await services.admission.validate(requestOf(call, object, options));
    if (options.dryRun) return preview(resource, object);
    return await resource.storage.create(object);
  } catch (error) {
    await strategy.undoCreate?.(object);
    throw error;
  }
}

/** Status is reported later, by those who may: what was sent along does not count. */
function setEmptyStatus(object: KubeObject, resource: StoredResource): void {
  if (resource.custom !== undefined || !resource.subresources.some((subresource) => subresource.name === 'status')) return;
  const status = emptyStatus(resource.storage.cache.resource);
  if (status !== undefined) Object.assign(object, { status });
}

function requestOf(call: VerbCall, object: KubeObject, options: WriteOptions): AdmissionRequest {
  const { context, resource } = call;
  return admissionRequest(context, {
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name ?? '',
    object,
    old: undefined,
    options: writeOptionsObject('CreateOptions', context),
    dryRun: options.dryRun,
  });
}
