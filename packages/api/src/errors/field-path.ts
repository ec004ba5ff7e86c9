/**
 * The place of a field in an object, as Kubernetes writes it: `spec.containers[0].env[KEY]`.
 * Immutable: each step returns a new path that shares its parents, and the text is made only when
 * a fault is found, so validating a sound object builds no strings.
 */
export class FieldPath {
  private readonly parent: FieldPath | undefined;
  private readonly step: string;
  private readonly bracketed: boolean;

  private constructor(parent: FieldPath | undefined, step: string, bracketed: boolean) {
    this.parent = parent;
    this.step = step;
    this.bracketed = bracketed;
  }

  /** A path that starts at a top-level field; more names go on from there. */
  static of(name: string, ...more: readonly string[]): FieldPath {
    return new FieldPath(undefined, name, false).child(...more);
  }

  child(...names: readonly string[]): FieldPath {
    return names.reduce<FieldPath>((path, name) => new FieldPath(path, name, false), this);
  }

  index(position: number): FieldPath {
    return new FieldPath(this, position.toString(), true);
  }

  key(key: string): FieldPath {
    return new FieldPath(this, key, true);
  }

  toString(): string {
    const before = this.parent === undefined ? '' : this.parent.toString();
    if (this.bracketed) return `${before}[${this.step}]`;
    return before === '' ? this.step : `${before}.${this.step}`;
  }
}
