import { badRequest, methodNotSupported, selectorOf, selectorOfLabels } from '@bayplan/api';
import type { KubeObject, LabelSelector, Scale } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import { contentTypeOf, parseJson } from '../registry/body.ts';
import { parseYaml } from '../registry/yaml.ts';
import { decodeAs, decodeBody, descriptorOf } from '../registry/decode-object.ts';
import type { SpecialHandler } from '../registry/dispatch.ts';
import { patched } from '../registry/patches.ts';
import { isStored } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { changeObject } from '../registry/verbs/update.ts';
import type { AdmissionView } from '../registry/verbs/update.ts';
import type { VerbCall } from '../registry/verbs/services.ts';
import { writeOptions } from '../registry/verbs/write-options.ts';

const scaleType = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;

type Scalable = KubeObject & {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
};

/** `scale` of workloads: their replicas under one kind, whatever the workload. */
export const scaleHandler: SpecialHandler = async (services, context, resource) => {
  if (!isStored(resource)) throw methodNotSupported(resource, context.info.verb);
  const { namespace, name, verb } = context.info;
  const call: VerbCall = { services, context, resource };
  switch (verb) {
    case 'get':
      return { kind: 'value', status: 200, value: scaleOf(await resource.storage.get(namespace, name)) };
    case 'update':
    case 'patch': {
      const options = writeOptions(context);
      const wanted = verb === 'update' ? await decodeBody(context, scaleType, options.fieldValidation) : await readScalePatch(context);
      const stored = await changeObject(
        call,
        options,
        (current) => {
          const scale = (verb === 'update' ? wanted : patchScale(context, current, wanted)) as Scale;
          if (scale.metadata?.name !== undefined && scale.metadata.name !== '' && scale.metadata.name !== name) {
            throw badRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`);
          }
          return scaled(current, scale);
        },
        scaleView,
      );
      return { kind: 'value', status: 200, value: scaleOf(stored) };
    }
    default:
      throw methodNotSupported(resource, verb);
  }
};

/** Admission sees a Scale, and what it sets of it counts. */
const scaleView: AdmissionView = {
  kind: scaleType,
  show: scaleOfObject,
  apply: (object, shown) => {
    const { spec } = object as Scalable;
    return { ...object, spec: { ...spec, replicas: (shown as Scale).spec?.replicas ?? 0 } } as KubeObject;
  },
};

function scaleOf(stored: StoredObject): KubeObject {
  return scaleOfObject(stored.object);
}

function scaleOfObject(given: KubeObject): KubeObject {
  const object = given as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { selector } = object.spec ?? {};
  const isMap = object.kind === 'ReplicationController';
  const matcher = isMap ? selectorOfLabels(selector as Record<string, string>) : selectorOf(selector as LabelSelector);
  const scale = {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: object.spec?.replicas ?? 0 },
    status: { replicas: object.status?.replicas ?? 0, selector: matcher.toString() },
  };
  return scale as KubeObject;
}

function scaled(current: StoredObject, scale: Scale): KubeObject {
  const next = structuredClone(current.object) as Scalable;
  next.spec = { ...next.spec, replicas: scale.spec?.replicas ?? 0 };
  if (scale.metadata?.resourceVersion) next.metadata.resourceVersion = scale.metadata.resourceVersion;
  else delete next.metadata.resourceVersion;
  return next;
}

async function readScalePatch(context: ResourceContext): Promise<unknown> {
  const { body } = context.request;
  if (body.kind === 'object') return body.value;
  if (body.kind === 'none') return {};
  const bytes = await body.read();
  return contentTypeOf(context) === 'application/apply-patch+yaml' ? parseYaml(bytes) : parseJson(bytes);
}

/** Replicas have one owner at a time, so applying a Scale is the same as merging it. */
function patchScale(context: ResourceContext, current: StoredObject, patch: unknown): KubeObject {
  const given = contentTypeOf(context);
  const contentType = given === 'application/apply-patch+yaml' ? 'application/merge-patch+json' : given;
  const scale = scaleOf(current);
  delete scale.metadata.resourceVersion;
  return decodeAs(context, scaleType, patched(contentType, scale, patch, descriptorOf(scaleType)), 'Warn');
}
