import type { CustomPublication, FieldError, KubeObject, ObjectDescriptor, TablePrinter } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { Outcome } from '../chain/outcome.ts';
import type { VerbServices } from './verbs/services.ts';
import type { StoredResource } from './served-resource.ts';

/** What one version of a custom resource brings in place of the tables of the built-in kinds. Parts are made on first use. */
export interface CustomKind {
  readonly descriptor: ObjectDescriptor;
  readonly printer: TablePrinter;
  /** Changes with the schema. */
  readonly fingerprint: string;
  /** What OpenAPI says of it; made anew each time, since schemas are large. */
  publication(): CustomPublication;
  /** Fills in, in place, the defaults of the schema. */
  applyDefaults(object: KubeObject): void;
  /** An object of any version of the resource in this one, pruned and defaulted; the argument when it is of this version. */
  from(object: KubeObject): Promise<KubeObject>;
  /** Every fault of a write through `subresource`, empty for the object itself. `old` is undefined for a create. */
  faults(object: KubeObject, old: KubeObject | undefined, subresource: string): Promise<FieldError[]>;
  /** Throws what stands against the verb now, and adds the warnings of the version. */
  admit(context: ResourceContext, resource: StoredResource): void;
  /** An outcome of the generic verbs with its objects in this version, pruned and defaulted. */
  present(outcome: Outcome): Promise<Outcome>;
  /** The `scale` subresource. */
  scale(services: VerbServices, context: ResourceContext, resource: StoredResource): Promise<Outcome>;
}
