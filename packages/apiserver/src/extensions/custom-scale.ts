import { badRequest, methodNotSupported } from '@bayplan/api';
import type { KubeObject, Scale } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { CustomKind } from '../registry/custom-kind.ts';
import { contentTypeOf, parseJson } from '../registry/body.ts';
import { parseYaml } from '../registry/yaml.ts';
import { decodeAs, decodeBody, descriptorOf } from '../registry/decode-object.ts';
import { patched } from '../registry/patches.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { changeObject } from '../registry/verbs/update.ts';
import type { AdmissionView } from '../registry/verbs/update.ts';
import { writeOptions } from '../registry/verbs/write-options.ts';
import { valueAt, withValueAt } from './scale-paths.ts';
import type { ScalePaths } from './scale-paths.ts';

const scaleType = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const;
const applyPatch = 'application/apply-patch+yaml';

/** `scale` of a custom resource: the replicas and the selector at the paths that its definition names. */
export function customScale(paths: ScalePaths): CustomKind['scale'] {
  const view: AdmissionView = {
    kind: scaleType,
    show: (object) => scaleOfObject(object, paths),
    apply: (object, shown) => withValueAt(object, paths.specReplicasPath, (shown as Scale).spec?.replicas ?? 0),
  };
  return async (services, context, resource) => {
    const { namespace, name, verb } = context.info;
    const call = { services, context, resource };
    switch (verb) {
      case 'get':
        return { kind: 'value', status: 200, value: scaleOf(await resource.storage.get(namespace, name), paths) };
      case 'update':
      case 'patch': {
        const options = writeOptions(context);
        const wanted = verb === 'update' ? await decodeBody(context, scaleType, options.fieldValidation) : await readPatch(context);
        const stored = await changeObject(
          call,
          options,
          (current) => {
            const scale = (verb === 'update' ? wanted : patchedScale(context, scaleOf(current, paths), wanted)) as Scale;
            if (scale.metadata?.name && scale.metadata.name !== name) {
              throw badRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`);
            }
            return scaled(current, scale, paths);
          },
          view,
        );
        return { kind: 'value', status: 200, value: scaleOf(stored, paths) };
      }
      default:
        throw methodNotSupported(resource, verb);
    }
  };
}

function scaleOf(stored: StoredObject, paths: ScalePaths): KubeObject {
  return scaleOfObject(stored.object, paths);
}

function scaleOfObject(object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.labelSelectorPath ? valueAt(object, paths.labelSelectorPath) : undefined;
  const scale = {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, paths.specReplicasPath) ?? 0 },
    status: {
      replicas: valueAt(object, paths.statusReplicasPath) ?? 0,
      ...(typeof selector === 'string' && selector !== '' ? { selector } : {}),
    },
  };
  return scale as KubeObject;
}

function scaled(current: StoredObject, scale: Scale, paths: ScalePaths): KubeObject {
  const next = structuredClone(withValueAt(current.object, paths.specReplicasPath, scale.spec?.replicas ?? 0));
  if (scale.metadata?.resourceVersion) next.metadata.resourceVersion = scale.metadata.resourceVersion;
  return next;
}

async function readPatch(context: ResourceContext): Promise<unknown> {
  const { body } = context.request;
  if (body.kind === 'object') return body.value;
  if (body.kind === 'none') return {};
  const bytes = await body.read();
  return contentTypeOf(context) === applyPatch ? parseYaml(bytes) : parseJson(bytes);
}

/** Replicas have one owner at a time, so applying a Scale is the same as merging it. */
function patchedScale(context: ResourceContext, scale: KubeObject, patch: unknown): KubeObject {
  const given = contentTypeOf(context);
  const contentType = given === applyPatch ? 'application/merge-patch+json' : given;
  delete scale.metadata.resourceVersion;
  return decodeAs(context, scaleType, patched(contentType, scale, patch, descriptorOf(scaleType)), 'Warn');
}
