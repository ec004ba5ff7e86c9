import type { FieldError, KubeObject } from '@bayplan/api';
import type { RequestContext } from '../chain/context.ts';

/** What is special about one resource. Everything is optional; the generic registry does the rest. */
export interface Strategy {
  /** The server may be asked to create with PUT (nothing) or PATCH apply (default true). */
  readonly allowCreateOnUpdate?: boolean;
  /** An update must say which state it is based on. */
  readonly demandsResourceVersion?: boolean;
  /** `metadata.generation` counts changes of everything but metadata and status. */
  readonly countsGeneration?: boolean;
  /** Metadata whose changes count too. */
  readonly alsoCounts?: (object: KubeObject) => unknown;
  /** Fields that field selectors may name, besides metadata.name and metadata.namespace. */
  readonly fields?: (object: KubeObject) => Record<string, string>;
  readonly indexField?: string;
  /** How many changes the watch cache remembers, where the objects are large. */
  readonly historyEvents?: number;
  /** What a deletion without `propagationPolicy` means; `background` when absent. */
  readonly defaultPropagation?: 'background' | 'orphan';
  /** Brings a decoded object into its one stored form, before anything else looks at it; may change `object`. */
  normalize?(object: KubeObject): void;
  /** Sets what only the server may set. Both may change `object`; `old` is shared. */
  prepareForCreate?(object: KubeObject, context: RequestContext, dryRun: boolean): void | Promise<void>;
  prepareForUpdate?(object: KubeObject, old: KubeObject, context: RequestContext, dryRun: boolean): void | Promise<void>;
  prepareForStatusUpdate?(object: KubeObject, old: KubeObject, context: RequestContext): void | Promise<void>;
  /** Faults beside those of the kind's table; `old` is undefined for a create. */
  faults?(object: KubeObject, old: KubeObject | undefined, subresource: string): Promise<FieldError[]>;
  /** Decides the grace of a deletion in seconds; undefined deletes at once. `object` is shared. */
  gracePeriodSeconds?(object: KubeObject, asked: number | undefined): number | undefined;
  /** Something besides finalizers keeps the object when it is deleted: a Namespace's own finalizers. */
  isHeld?(object: KubeObject): boolean;
  /** What else changes when a deletion begins; may change and returns `object`. */
  whenTerminating?(object: KubeObject): KubeObject;
  /** Runs after a write took effect; for what must follow it, such as giving back an address. */
  afterDelete?(object: KubeObject): void | Promise<void>;
  /** Runs when a create fails after `prepareForCreate`. */
  undoCreate?(object: KubeObject): void | Promise<void>;
  /** Runs when an update is refused after `prepareForUpdate`. */
  undoUpdate?(object: KubeObject, old: KubeObject): void | Promise<void>;
  /** Runs after an update through the object itself took effect. */
  afterUpdate?(object: KubeObject, old: KubeObject): void | Promise<void>;
}

export const plainStrategy: Strategy = {};
