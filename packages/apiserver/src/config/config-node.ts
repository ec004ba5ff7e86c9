import { FieldPath, fieldErrorsText, fieldInvalid, fieldRequired, fieldTypeInvalid, parseDuration } from '@bayplan/api';
import type { FieldError } from '@bayplan/api';
import { parseDocument } from 'yaml';

/** A configuration file that cannot be used: `message` names the file and every fault in it. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

/** One value of a configuration file while it is being read. Faults gather in a list that all nodes of the file share. */
export class ConfigNode {
  readonly value: unknown;
  readonly path: FieldPath | undefined;
  readonly faults: FieldError[];

  constructor(value: unknown, path: FieldPath | undefined, faults: FieldError[]) {
    this.value = value;
    this.path = path;
    this.faults = faults;
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The value's field as text; empty for the whole file. */
  get where(): string {
    return this.path?.toString() ?? '';
  }

  /** Declares every field that this object may have; others are faults. */
  fields(...known: readonly string[]): this {
    for (const name of Object.keys(this.object())) {
      if (!known.includes(name)) this.faults.push(fieldInvalid(this.childPath(name), name, 'unknown field'));
    }
    return this;
  }

  child(name: string): ConfigNode {
    return new ConfigNode(this.object()[name], this.childPath(name), this.faults);
  }

  /** The elements of a list; none when it is absent. */
  list(name: string): ConfigNode[] {
    const node = this.child(name);
    if (!node.present) return [];
    if (!Array.isArray(node.value)) {
      node.typeFault('must be an array');
      return [];
    }
    return node.value.map((value: unknown, index) => new ConfigNode(value, node.path?.index(index), this.faults));
  }

  /** A text, or `absent` when the field is not there. */
  string(name: string, absent = ''): string {
    return this.child(name).asString() ?? absent;
  }

  optionalString(name: string): string | undefined {
    return this.child(name).asString();
  }

  /** A text that must be there and not be empty. */
  requiredString(name: string, detail = ''): string {
    const node = this.child(name);
    const found = node.asString() ?? '';
    if (found === '') node.fault(fieldRequired(node.where, detail));
    return found;
  }

  strings(name: string): string[] {
    return this.list(name).flatMap((item) => item.asString() ?? []);
  }

  boolean(name: string, absent: boolean): boolean {
    const node = this.child(name);
    if (!node.present) return absent;
    if (typeof node.value === 'boolean') return node.value;
    node.typeFault('must be true or false');
    return absent;
  }

  integer(name: string, absent: number): number {
    const node = this.child(name);
    if (!node.present) return absent;
    if (typeof node.value === 'number' && Number.isInteger(node.value)) return node.value;
    node.typeFault('must be an integer');
    return absent;
  }

  /** A duration such as `30s` in milliseconds. */
  durationMs(name: string, absent: number): number {
    const node = this.child(name);
    const text = node.asString();
    if (text === undefined) return absent;
    const found = parseDuration(text);
    if (found !== undefined) return found;
    node.fault(fieldInvalid(node.where, text, 'must be a duration such as 30s'));
    return absent;
  }

  fault(error: FieldError): void {
    this.faults.push(error);
  }

  asString(): string | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === 'string') return this.value;
    this.typeFault('must be a string');
    return undefined;
  }

  private typeFault(detail: string): void {
    this.faults.push(fieldTypeInvalid(this.where, this.value, detail));
  }

  private object(): Readonly<Record<string, unknown>> {
    if (!this.present) return {};
    if (typeof this.value === 'object' && !Array.isArray(this.value)) return this.value as Readonly<Record<string, unknown>>;
    const fault = fieldTypeInvalid(this.where, this.value, 'must be an object');
    if (!this.faults.some(({ field, body }) => field === fault.field && body === fault.body)) this.faults.push(fault);
    return {};
  }

  private childPath(name: string): FieldPath {
    return this.path === undefined ? FieldPath.of(name) : this.path.child(name);
  }
}

export interface ConfigKind {
  readonly kind: string;
  readonly apiVersions: readonly string[];
}

/**
 * Reads a YAML or JSON file of one kind with `read`, which reports faults through its node. Throws
 * `ConfigError` with all of them; `name` is what the text calls the file.
 */
export function readConfig<T>(text: string, name: string, wanted: ConfigKind, read: (root: ConfigNode) => T): T {
  const document = parseDocument(text, { uniqueKeys: true, strict: true, merge: false });
  const [broken] = document.errors;
  if (broken !== undefined) throw new ConfigError(`${name}: ${broken.message.split('\n')[0] ?? ''}`, { cause: broken });
  // Aliases could make a small file huge.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const faults: FieldError[] = [];
  const root = new ConfigNode(value, undefined, faults);
  const { kind, apiVersion } = (typeof value === 'object' && value !== null ? value : {}) as { kind?: unknown; apiVersion?: unknown };
  if (kind !== wanted.kind || typeof apiVersion !== 'string' || !wanted.apiVersions.includes(apiVersion)) {
    const found = `${JSON.stringify(apiVersion) ?? '""'}, kind ${JSON.stringify(kind) ?? '""'}`;
    throw new ConfigError(
      `${name}: expected apiVersion ${wanted.apiVersions.join(' or ')}, kind ${wanted.kind}; found apiVersion ${found}`,
    );
  }
  const result = read(root);
  if (faults.length > 0) throw new ConfigError(`${name}: ${fieldErrorsText(faults)}`);
  return result;
}
