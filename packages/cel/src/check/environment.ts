import { MacroTable } from '../syntax/macros.ts';
import type { CelType, ObjectType } from '../types/types.ts';
import type { FunctionDeclaration, Overload } from './declarations.ts';

export interface EnvironmentParts {
  readonly functions?: readonly FunctionDeclaration[];
  /** Variables by name with their types. */
  readonly variables?: Readonly<Record<string, CelType>>;
  /** Types that can be named in expressions, to be constructed or compared. */
  readonly types?: readonly (readonly [string, CelType])[];
  /** Finds types whose number has no bound, `Object.spec.x`; asked after `types`. */
  readonly findType?: ((name: string) => ObjectType | undefined) | undefined;
}

/** What an expression may use. Immutable: `extend` returns a new one that shares the rest. */
export class Environment {
  readonly macros: MacroTable;
  private readonly parent: Environment | undefined;
  private readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  private readonly variables: Readonly<Record<string, CelType>>;
  private readonly types: ReadonlyMap<string, CelType>;
  private readonly findType: EnvironmentParts['findType'];

  constructor(parts: EnvironmentParts, parent?: Environment) {
    this.parent = parent;
    this.macros = parent?.macros ?? new MacroTable(false);
    this.variables = parts.variables ?? {};
    this.types = new Map(parts.types);
    this.findType = parts.findType;
    const functions = new Map<string, FunctionDeclaration>();
    for (const declaration of parts.functions ?? []) {
      const before: readonly Overload[] = functions.get(declaration.name)?.overloads ?? parent?.function(declaration.name)?.overloads ?? [];
      functions.set(declaration.name, { name: declaration.name, overloads: [...before, ...declaration.overloads] });
    }
    this.functions = functions;
  }

  extend(parts: EnvironmentParts): Environment {
    return new Environment(parts, this);
  }

  function(name: string): FunctionDeclaration | undefined {
    return this.functions.get(name) ?? this.parent?.function(name);
  }

  variable(name: string): CelType | undefined {
    return Object.hasOwn(this.variables, name) ? this.variables[name] : this.parent?.variable(name);
  }

  type(name: string): CelType | undefined {
    return this.types.get(name) ?? this.findType?.(name) ?? this.parent?.type(name);
  }
}
