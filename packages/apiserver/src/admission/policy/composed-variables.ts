import type { CelType, Environment, EvalValue, FieldType, ObjectType, Program, Value } from '@bayplan/cel';
import { AwaitsAnswer, CelError, CelMap, compile, dynType } from '@bayplan/cel';

export interface VariableSource {
  readonly name: string;
  readonly expression: string;
}

/** One variable of a policy, compiled. */
export interface ComposedVariable {
  readonly name: string;
  readonly program: Program | undefined;
  /** Why there is no program. */
  readonly fault: string | undefined;
}

export interface ComposedVariables {
  readonly variables: readonly ComposedVariable[];
  /** The given environment with `variables` in it. */
  readonly environment: Environment;
}

function typeWith(fields: ReadonlyMap<string, FieldType>): ObjectType {
  return { kind: 'object', name: 'kubernetes.variables', field: (name) => fields.get(name), names: () => [...fields.keys()] };
}

/** Compiles variables in order; each may use those before it. One that does not compile may be used as if it were anything. */
export function composeVariables(sources: readonly VariableSource[], base: Environment): ComposedVariables {
  const fields = new Map<string, FieldType>();
  const variables: ComposedVariable[] = [];
  const environment = (): Environment => base.extend({ variables: { variables: typeWith(new Map(fields)) } });
  for (const { name, expression } of sources) {
    const compiled = compile(expression, environment());
    const type: CelType = compiled.ok ? compiled.program.outputType : dynType;
    variables.push(
      compiled.ok
        ? { name, program: compiled.program, fault: undefined }
        : { name, program: undefined, fault: `compilation failed: ${compiled.text}` },
    );
    fields.set(name, { type, json: name });
  }
  return { variables, environment: environment() };
}

/** The value of `variables`: each is evaluated once, when it is first read. */
export class VariableValues extends CelMap {
  /** What the variables read so far cost, since it was last taken. */
  private cost = 0;
  private readonly byName: ReadonlyMap<string, ComposedVariable>;
  private readonly known = new Map<string, EvalValue>();
  private readonly bindings: Readonly<Record<string, unknown>>;

  constructor(variables: readonly ComposedVariable[], bindings: Readonly<Record<string, unknown>>) {
    super();
    this.byName = new Map(variables.map((variable) => [variable.name, variable]));
    this.bindings = { ...bindings, variables: this };
  }

  get size(): number {
    return this.byName.size;
  }

  keys(): Iterable<Value> {
    return this.byName.keys();
  }

  get(key: Value): EvalValue | undefined {
    const name = typeof key === 'string' ? key : '';
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const variable = this.byName.get(name);
    if (variable === undefined) return undefined;
    const value = this.evaluate(variable);
    this.known.set(name, value);
    return value;
  }

  /** What was spent since the last call. */
  takeCost(): number {
    const { cost } = this;
    this.cost = 0;
    return cost;
  }

  private evaluate({ name, program, fault }: ComposedVariable): EvalValue {
    if (program === undefined) return new CelError(`composited variable "${name}" fails to compile: ${fault ?? ''}`);
    const result = program.evaluate(this.bindings);
    this.cost += result.cost;
    if (result.ok) return result.value;
    if (result.pending !== undefined) throw new AwaitsAnswer(result.pending);
    return new CelError(`composited variable "${name}" fails to evaluate: ${result.error}`);
  }
}
