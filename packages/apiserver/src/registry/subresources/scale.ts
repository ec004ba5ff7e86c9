import { badRequest, FieldPath, fieldInvalid, invalid, labelSelectorFrom, methodNotSupported, schemaFor } from '@bayplan/api';
import type { KubeObject, LabelSelector, Scale } from '@bayplan/api';
import type { ResourceContext } from '../../chain/context.ts';
import type { Outcome } from '../../chain/outcome.ts';
import { contentTypeOf, readValue, parseJson } from '../body.ts';
import { decodeAs, decodeBody } from '../decode-object.ts';
import type { SpecialHandler } from '../dispatch.ts';
import { patched } from '../patches.ts';
import { isStored } from '../served-resource.ts';
import type { StoredObject } from '../stored-object.ts';
import { changeObject } from '../verbs/update.ts';
import type { VerbCall } from '../verbs/services.ts';
import { writeOptions } from '../verbs/write-options.ts';

const scaleType = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;

interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

/** GET, PUT and PATCH of `scale`: the number of replicas of a workload as an object of its own. */
export const scaleWorkload: SpecialHandler = async (services, context, resource) => {
  if (!isStored(resource)) throw methodNotSupported(resource, context.info.verb);
  const call: VerbCall = { services, context, resource };
  const { namespace, name, verb } = context.info;
  switch (verb) {
    case 'get':
      return answer(await resource.storage.get(namespace, name));
    case 'update': {
      const wanted = (await decodeBody(context, scaleType, writeOptions(context).fieldValidation)) as Scale;
      if (wanted.metadata.name !== undefined && wanted.metadata.name !== name)
        throw badRequest(`the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`);
      return change(call, () => wanted);
    }
    case 'patch': {
      const patch = await readPatch(context);
      return change(call, (present) => patchedScale(context, present, patch));
    }
    default:
      throw methodNotSupported(resource, verb);
  }
};

async function readPatch(context: ResourceContext): Promise<unknown> {
  const { body } = context.request;
  return body.kind === 'bytes' ? parseJson(await body.read()) : readValue(context);
}

function patchedScale(context: ResourceContext, present: Scale, patch: unknown): Scale {
  const descriptor = schemaFor(scaleType.group, scaleType.version, scaleType.kind);
  if (descriptor === undefined) throw new Error('no schema of Scale');
  const contentType = contentTypeOf(context);
  // A Scale has one field to set, so applying it is merging it.
  const merging = contentType === 'application/apply-patch+yaml' ? 'application/merge-patch+json' : contentType;
  return decodeAs(context, scaleType, patched(merging, present, patch, descriptor), writeOptions(context).fieldValidation) as Scale;
}

async function change(call: VerbCall, wantedOf: (present: Scale) => Scale): Promise<Outcome> {
  const { context } = call;
  const main = { ...call, context: { ...context, info: { ...context.info, subresource: '' } } };
  const stored = await changeObject(main, writeOptions(context), (current) => {
    const wanted = wantedOf(scaleOf(current));
    const replicas = wanted.spec?.replicas ?? 0;
    if (replicas < 0 || !Number.isInteger(replicas)) {
      const fault = fieldInvalid(FieldPath.of('spec').child('replicas'), replicas, 'must be greater than or equal to 0');
      throw invalid(scaleType, context.info.name, [fault]);
    }
    const object = structuredClone(current.object) as Scalable;
    object.spec = { ...object.spec, replicas };
    if (wanted.metadata.resourceVersion) object.metadata.resourceVersion = wanted.metadata.resourceVersion;
    else delete object.metadata.resourceVersion;
    return object;
  });
  return answer(stored);
}

function answer(stored: StoredObject): Outcome {
  return { kind: 'value', status: 200, value: scaleOf(stored) };
}

function scaleOf(stored: StoredObject): Scale {
  const { metadata, spec, status } = stored.object as Scalable;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      uid: metadata.uid,
      resourceVersion: stored.revision.toString(),
      creationTimestamp: metadata.creationTimestamp,
    },
    spec: { replicas: spec?.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(spec?.selector) },
  };
}

/** A ReplicationController's selector is a map; everybody else's is a LabelSelector. */
function selectorText(selector: LabelSelector | Record<string, string> | undefined): string {
  if (selector === undefined) return '';
  const typed = 'matchLabels' in selector || 'matchExpressions' in selector;
  return labelSelectorFrom(typed ? selector : { matchLabels: selector as Record<string, string> }).toString();
}
