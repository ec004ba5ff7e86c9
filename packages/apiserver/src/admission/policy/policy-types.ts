import type { CelType, ObjectType } from '@bayplan/cel';
import { boolType, dynType, intType, listOf, mapOf, objectType, stringType, timestampType } from '@bayplan/cel';

const strings = listOf(stringType);
const kindType = objectType('kubernetes.GroupVersionKind', { group: stringType, version: stringType, kind: stringType });
const resourceType = objectType('kubernetes.GroupVersionResource', { group: stringType, version: stringType, resource: stringType });

/** Who makes a request. */
export const userInfoType = objectType('kubernetes.UserInfo', {
  username: stringType,
  uid: stringType,
  groups: strings,
  extra: mapOf(stringType, strings),
});

/** The variable `request` of admission. */
export const requestType = objectType('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: stringType,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: stringType,
  name: stringType,
  namespace: stringType,
  operation: stringType,
  userInfo: userInfoType,
  dryRun: boolType,
  options: dynType,
});

/** The variable `namespaceObject`. */
export const namespaceType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: stringType,
    generateName: stringType,
    namespace: stringType,
    labels: mapOf(stringType, stringType),
    annotations: mapOf(stringType, stringType),
    UID: stringType,
    creationTimestamp: timestampType,
    deletionGracePeriodSeconds: intType,
    deletionTimestamp: timestampType,
    generation: intType,
    resourceVersion: stringType,
    finalizers: strings,
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: strings }),
  status: objectType('kubernetes.NamespaceStatus', {
    conditions: listOf(
      objectType('kubernetes.NamespaceCondition', {
        status: stringType,
        type: stringType,
        lastTransitionTime: timestampType,
        message: stringType,
        reason: stringType,
      }),
    ),
    phase: stringType,
  }),
});

/** `JSONPatch{op: "add", path: "/x", value: 1}` */
export const jsonPatchType: ObjectType = {
  ...objectType('JSONPatch', { op: stringType, path: stringType, from: stringType, value: dynType }),
  constructible: true,
};

/** `Object{}`, `Object.spec{}` and so on: any field, since no schema is known. */
export function applyType(name: string): ObjectType | undefined {
  if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
  return { kind: 'object', name, constructible: true, field: (field) => ({ type: dynType, json: field }) };
}

export interface PolicyEnvironmentOptions {
  /** Whether `params` is there. */
  readonly params: boolean;
  /** Whether `authorizer` is there. */
  readonly authorizer: boolean;
  /** Whether `Object{}` and `JSONPatch{}` are there. */
  readonly patches: boolean;
  /** Types of `object`, `oldObject` and `params` for type checks; anything goes when absent. */
  readonly types?: Readonly<Record<string, CelType>>;
}
