/**
 * One description of a type from which strict decoding, pruning, defaulting, patches, server-side
 * apply, OpenAPI and protobuf are derived. Built-in types come from the tables of packages/api/schema;
 * a custom resource's structural schema compiles to the same shapes. Descriptors are shared and never mutated.
 */
export type Descriptor = ObjectDescriptor | ListDescriptor | MapDescriptor | ScalarDescriptor | AnyDescriptor;

/** The scalar types of the API. `time` has seconds, `microTime` microseconds; both are RFC 3339 in JSON. */
export type ScalarName = 'string' | 'bool' | 'int32' | 'int64' | 'float64' | 'bytes' | 'quantity' | 'intOrString' | 'time' | 'microTime';

/** Shapes without a fixed schema. `raw` is an embedded object, `json` any JSON value of a CRD schema, the `jsonOr…` forms are its unions. */
export type AnyName = 'raw' | 'any' | 'json' | 'fieldsV1' | 'jsonOrArray' | 'jsonOrBool' | 'jsonOrStringArray';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

interface Common {
  /** A CRD's `nullable`: null is a value here instead of an absent field. Built-in types never have it. */
  readonly nullable?: boolean | undefined;
}

/** A struct: a closed set of fields unless `preserveUnknown` says otherwise. */
export interface ObjectDescriptor extends Common {
  readonly type: 'object';
  /** The OpenAPI name, `io.k8s.api.core.v1.PodSpec`; for a custom resource the path inside its schema. */
  readonly name: string;
  /** By JSON name, in the order in which Kubernetes writes them. Inlined structs are flattened. */
  readonly fields: ReadonlyMap<string, FieldDescriptor>;
  /** `atomic`: server-side apply owns and replaces the object as a whole. */
  readonly mapType: 'granular' | 'atomic';
  /** `x-kubernetes-preserve-unknown-fields`: fields that are not listed are kept. */
  readonly preserveUnknown: boolean;
  /** `x-kubernetes-embedded-resource`: has apiVersion, kind and metadata of its own. */
  readonly embeddedResource: boolean;
  /**
   * A custom resource's schema: values are kept as they were sent (pruned, not normalised as Go would),
   * and a wrong type is a fault for validation to report, not a decoding error.
   */
  readonly dynamic?: boolean | undefined;
  /** Set for top-level kinds, which therefore carry `apiVersion` and `kind`. */
  readonly kind?: GroupVersionKind | undefined;
}

export interface ListDescriptor extends Common {
  readonly type: 'list';
  readonly items: Descriptor;
  /** How server-side apply merges; atomic when nothing is said. */
  readonly listType: 'atomic' | 'set' | 'map';
  /** The identifying fields of a `map` list, in order; otherwise empty. */
  readonly keys: readonly string[];
}

export interface MapDescriptor extends Common {
  readonly type: 'map';
  readonly values: Descriptor;
  readonly mapType: 'granular' | 'atomic';
}

export interface ScalarDescriptor extends Common {
  readonly type: 'scalar';
  readonly scalar: ScalarName;
  /** The closed set of values of a string type; empty when it is open. */
  readonly values: readonly string[];
}

/** A value that is kept as it is. */
export interface AnyDescriptor extends Common {
  readonly type: 'any';
  readonly form: AnyName;
}

/** How strategic merge patch treats a field. */
export type PatchStrategy = 'merge' | 'replace' | 'retainKeys';

export interface FieldDescriptor {
  /** The JSON name. */
  readonly name: string;
  /** Resolved on first use, since types refer to each other in cycles. */
  readonly value: Descriptor;
  /** Whether OpenAPI lists it under `required`. */
  readonly required: boolean;
  /** A Go pointer: absent and zero differ. Of a custom resource, every field. */
  readonly pointer: boolean;
  /** When an empty value is left out of JSON: never, when empty, or (structs) when every part is zero. */
  readonly omit: 'never' | 'empty' | 'zero';
  readonly patchStrategies: readonly PatchStrategy[];
  /** Of a list with strategy `merge` whose items are objects. */
  readonly patchMergeKey?: string | undefined;
  /** The schema's default as a JSON value; copy before use. */
  readonly default?: unknown;
  /** Position in protobuf; 0 when the type has no protobuf form. Fields of an inlined struct carry the number inside it. */
  readonly number: number;
  /** Protobuf has no alias of a list: such a list (`ExtraValue`, `Verbs`) is a message with the items in field 1. */
  readonly wrapped?: boolean | undefined;
  /** Where an inlined struct is a message of its own in protobuf (`Volume.VolumeSource`): its number. Nested inlining lists outermost first. */
  readonly inlinedIn: readonly number[];
}
