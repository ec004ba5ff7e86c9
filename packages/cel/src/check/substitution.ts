import type { CelType } from '../types/types.ts';
import { dynType, listOf, mapOf, opaqueOf, sameType, typeOf } from '../types/types.ts';

const isLoose = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error';

/** Bindings of type variables, as unification finds them. Copy before trying, keep the copy on success. */
export class Substitution {
  private bindings: Map<string, CelType>;

  constructor(bindings = new Map<string, CelType>()) {
    this.bindings = bindings;
  }

  /** Whether all of `from` fit `to`; keeps new bindings only if so. */
  assignAll(from: readonly CelType[], to: readonly CelType[]): boolean {
    const trial = new Substitution(new Map(this.bindings));
    if (from.length !== to.length || !from.every((type, position) => trial.fits(type, to[position] ?? dynType))) return false;
    this.bindings = trial.bindings;
    return true;
  }

  assign(from: CelType, to: CelType): boolean {
    return this.assignAll([from], [to]);
  }

  /** The type with its variables replaced; unbound ones become dyn if `close`. */
  apply(type: CelType, close: boolean): CelType {
    switch (type.kind) {
      case 'param': {
        const bound = this.bindings.get(type.name);
        if (bound !== undefined) return this.apply(bound, close);
        return close ? dynType : type;
      }
      case 'list': {
        const element = this.apply(type.element, close);
        return element === type.element ? type : listOf(element);
      }
      case 'map': {
        const key = this.apply(type.key, close);
        const value = this.apply(type.value, close);
        return key === type.key && value === type.value ? type : mapOf(key, value);
      }
      case 'opaque':
        if (type.parameters.length === 0) return type;
        return opaqueOf(type.name, ...type.parameters.map((parameter) => this.apply(parameter, close)));
      case 'type':
        return type.of === undefined ? type : typeOf(this.apply(type.of, close));
      default:
        return type;
    }
  }

  private fits(from: CelType, to: CelType): boolean {
    if (to.kind === 'param') {
      if (from.kind === 'param' && from.name === to.name) return true;
      return this.bind(from, to.name, false);
    }
    if (from.kind === 'param') return this.bind(to, from.name, true);
    if (isLoose(from) || isLoose(to)) return true;
    if (from.kind === 'null') return isNullable(to);
    if (to.kind === 'null') return isNullable(from);
    switch (from.kind) {
      case 'list':
        return to.kind === 'list' && this.fits(from.element, to.element);
      case 'map':
        return to.kind === 'map' && this.fits(from.key, to.key) && this.fits(from.value, to.value);
      case 'opaque':
        return (
          to.kind === 'opaque' &&
          from.name === to.name &&
          from.parameters.length === to.parameters.length &&
          from.parameters.every((parameter, position) => this.fits(parameter, to.parameters[position] ?? dynType))
        );
      case 'type':
        return to.kind === 'type';
      default:
        return sameType(from, to);
    }
  }

  /** Binds a variable, or widens what it is bound to. */
  private bind(type: CelType, name: string, reversed: boolean): boolean {
    const bound = this.bindings.get(name);
    if (bound === undefined) {
      if (!this.mentions(type, name)) this.bindings.set(name, type);
      else return type.kind === 'param';
      return true;
    }
    if (!(reversed ? this.fits(bound, type) : this.fits(type, bound))) return false;
    if (lessSpecific(type, bound) && !this.mentions(type, name)) this.bindings.set(name, type);
    return true;
  }

  private mentions(type: CelType, name: string): boolean {
    switch (type.kind) {
      case 'param': {
        if (type.name === name) return true;
        const bound = this.bindings.get(type.name);
        return bound !== undefined && this.mentions(bound, name);
      }
      case 'list':
        return this.mentions(type.element, name);
      case 'map':
        return this.mentions(type.key, name) || this.mentions(type.value, name);
      case 'opaque':
        return type.parameters.some((parameter) => this.mentions(parameter, name));
      default:
        return false;
    }
  }
}

function isNullable(type: CelType): boolean {
  return type.kind === 'null' || type.kind === 'object' || type.kind === 'opaque' || type.kind === 'timestamp' || type.kind === 'duration';
}

/** Whether `a` covers at least what `b` covers. */
export function lessSpecific(a: CelType, b: CelType): boolean {
  if (isLoose(a) || a.kind === 'param') return true;
  if (isLoose(b) || b.kind === 'param') return false;
  if (b.kind === 'null') return isNullable(a);
  if (a.kind !== b.kind) return false;
  if (a.kind === 'list' && b.kind === 'list') return lessSpecific(a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') return lessSpecific(a.key, b.key) && lessSpecific(a.value, b.value);
  if (a.kind === 'opaque' && b.kind === 'opaque') {
    return a.name === b.name && a.parameters.every((parameter, position) => lessSpecific(parameter, b.parameters[position] ?? dynType));
  }
  return sameType(a, b);
}
