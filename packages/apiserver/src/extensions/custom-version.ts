import {
  applySchemaDefaults,
  customDescriptor,
  customTable,
  embeddedFaults,
  fieldInvalid,
  listFaults,
  SchemaCheck,
  slimSchema,
  statusError,
  statusOf,
} from '@bayplan/api';
import type { CustomPublication, FieldError, JSONSchemaProps, KubeObject, ObjectDescriptor, TablePrinter } from '@bayplan/api';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ResourceContext } from '../chain/context.ts';
import type { Outcome, WatchItem } from '../chain/outcome.ts';
import type { CustomKind } from '../registry/custom-kind.ts';
import type { StoredResource } from '../registry/served-resource.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import type { Definition } from './definition.ts';
import type { Patterns } from './patterns.ts';
import { scaleFaults } from './scale-paths.ts';
import type { ScalePaths } from './scale-paths.ts';
import type { SchemaRules } from './schema-rules.ts';
import type { VersionView } from './version-view.ts';

/** Objects that are brought into a version before other requests get their turn; more where each turn is a call of a webhook. */
const turns = { local: 50, webhook: 500 };
const blocking = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

export interface CustomVersionOptions {
  readonly definition: Definition;
  readonly version: Definition['versions'][number];
  /** Reads the schema from the definition as it is stored. */
  readonly schema: () => JSONSchemaProps;
  readonly patterns: () => Promise<Patterns>;
  /** The CEL rules of a schema; undefined when it has none. */
  readonly rules: (schema: JSONSchemaProps) => Promise<SchemaRules | undefined>;
  readonly scale: (paths: ScalePaths) => CustomKind['scale'];
  /** The view of this version by the newest state of the definition; undefined when it is no longer served. */
  readonly newest: () => VersionView | undefined;
}

/** What has been compiled of a version so far. */
interface Compiled {
  readonly schema: JSONSchemaProps;
  readonly descriptor: ObjectDescriptor;
}

/** One version of a custom resource: everything that its schema says, compiled when it is first needed. */
export class CustomVersion implements CustomKind {
  readonly scale: CustomKind['scale'];
  readonly #options: CustomVersionOptions;
  readonly #view: VersionView;
  #compiled: Compiled | undefined;
  #printer: TablePrinter | undefined;
  #rules: Promise<SchemaRules | undefined> | undefined;

  constructor(options: CustomVersionOptions, view: (descriptor: () => ObjectDescriptor) => VersionView) {
    this.#options = options;
    this.#view = view(() => this.descriptor);
    this.scale = options.scale(options.version.subresources?.scale ?? { specReplicasPath: '', statusReplicasPath: '' });
  }

  get view(): VersionView {
    return this.#view;
  }

  get descriptor(): ObjectDescriptor {
    return this.#parts().descriptor;
  }

  get printer(): TablePrinter {
    this.#printer ??= customTable(this.#options.version.additionalPrinterColumns);
    return this.#printer;
  }

  get fingerprint(): string {
    return this.#options.definition.fingerprint;
  }

  publication(): CustomPublication {
    const { definition, version, schema } = this.#options;
    const { kind, listKind } = definition.names;
    const name = [...definition.group.split('.').reverse(), version.name, kind].join('.');
    return {
      name,
      listKind,
      // Parsed when it is written, one at a time.
      get schema() {
        return schema();
      },
    };
  }

  applyDefaults(object: KubeObject): void {
    applySchemaDefaults(this.descriptor, object as unknown as Record<string, unknown>);
  }

  from(object: KubeObject): Promise<KubeObject> {
    return this.#view.from(object);
  }

  admit(context: ResourceContext, resource: StoredResource): void {
    const { definition, version } = this.#options;
    if (context.info.verb === 'create' && definition.terminating) {
      const message = 'create not allowed while custom resource definition is terminating';
      throw statusError(405, 'MethodNotAllowed', message, { group: resource.group, kind: resource.resource });
    }
    if (version.deprecated === true) {
      const text = version.deprecationWarning ?? `${definition.group}/${version.name} ${definition.names.kind} is deprecated`;
      context.warnings.push(text);
    }
  }

  async faults(object: KubeObject, old: KubeObject | undefined, subresource: string): Promise<FieldError[]> {
    const { schema } = this.#parts();
    const patterns = await this.#options.patterns();
    const check = new SchemaCheck(patterns.matches);
    const faults: FieldError[] = [];
    if (subresource === 'status') {
      const { status } = object as { status?: unknown };
      const part = schema.properties?.['status'];
      const before = (old as { status?: unknown } | undefined)?.status;
      if (status !== undefined && part !== undefined) faults.push(...check.faults(part, status, 'status', { value: before }));
    } else faults.push(...check.faults(schema, object, '', old === undefined ? undefined : { value: old }));
    faults.push(...scaleFaults(this.#options.version.subresources?.scale, object, subresource !== 'status'));
    faults.push(...embeddedFaults(schema, object));
    if (old === undefined || listFaults(schema, old).length === 0) faults.push(...listFaults(schema, object));
    this.#rules ??= this.#options.rules(schema);
    const rules = await this.#rules;
    if (rules === undefined) return faults;
    if (faults.some((fault) => blocking.has(fault.type))) {
      const why =
        'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
      return [...faults, fieldInvalid('<nil>', 'null', why)];
    }
    return [...faults, ...rules.validate(object, old)];
  }

  async present(outcome: Outcome): Promise<Outcome> {
    switch (outcome.kind) {
      case 'object':
        return { ...outcome, object: await this.#view.of(outcome.object) };
      case 'list':
        return { ...outcome, objects: await shownBy(this.#view, outcome.objects) };
      case 'watch':
        return { ...outcome, events: this.#events(outcome.events) };
      default:
        return outcome;
    }
  }

  async *#events(batches: AsyncIterable<readonly WatchItem[]>): AsyncGenerator<readonly WatchItem[]> {
    for await (const batch of batches) {
      const objects = batch.flatMap((item) => ('object' in item ? [item.object] : []));
      try {
        // The definition may have changed since the watch began.
        const view = this.#options.newest();
        if (view === undefined) return;
        const shown = (await shownBy(view, objects)).values();
        yield batch.map((item) => ('object' in item ? { ...item, object: shown.next().value ?? item.object } : item));
      } catch (error) {
        const status = statusOf(error);
        if (status === undefined) throw error;
        yield [{ type: 'ERROR', status }];
        return;
      }
    }
  }

  #parts(): Compiled {
    if (this.#compiled !== undefined) return this.#compiled;
    const { definition, version } = this.#options;
    const schema = slimSchema(this.#options.schema());
    const descriptor = customDescriptor({ group: definition.group, version: version.name, kind: definition.names.kind }, schema);
    this.#compiled = { schema, descriptor };
    return this.#compiled;
  }
}

async function shownBy(view: VersionView, objects: readonly StoredObject[]): Promise<StoredObject[]> {
  const shown: StoredObject[] = [];
  const turn = view.callsWebhook ? turns.webhook : turns.local;
  for (let at = 0; at < objects.length; at += turn) {
    if (at > 0) await nextTurn();
    shown.push(...(await view.all(objects.slice(at, at + turn))));
  }
  return shown;
}
