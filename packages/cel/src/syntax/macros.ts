import type { CallNode, Node } from './ast.ts';
import { accumulatorName, operators } from './ast.ts';
import { SyntaxFault } from './source.ts';

type Expand = (target: Node, args: readonly Node[], at: number) => Node | undefined;

const boolean = (at: number, value: boolean): Node => ({ kind: 'literal', at, value: { of: 'bool', value } });
const integer = (at: number, value: bigint): Node => ({ kind: 'literal', at, value: { of: 'int', value } });
const identifier = (at: number, name: string): Node => ({ kind: 'ident', at, name });
const accumulator = (at: number): Node => identifier(at, accumulatorName);
const list = (at: number, elements: readonly Node[]): Node => ({ kind: 'list', at, elements, optional: new Set() });

function call(at: number, name: string, args: readonly Node[], inPlace = false): CallNode {
  return { kind: 'call', at, name, target: undefined, args, inPlace };
}

function variableOf(node: Node | undefined, at: number): string {
  if (node?.kind !== 'ident' || node.name.startsWith('.')) throw new SyntaxFault(node?.at ?? at, 'argument must be a simple name');
  return node.name;
}

interface Loop {
  readonly init: Node;
  readonly condition: Node;
  readonly step: Node;
  readonly result: Node;
}

function loop(at: number, range: Node, variable: string, variable2: string | undefined, parts: Loop): Node {
  return { kind: 'comprehension', at, range, variable, variable2, accumulator: accumulatorName, ...parts };
}

const all = (at: number, predicate: Node): Loop => ({
  init: boolean(at, true),
  condition: call(at, operators.notStrictlyFalse, [accumulator(at)]),
  step: call(at, operators.and, [accumulator(at), predicate]),
  result: accumulator(at),
});
const exists = (at: number, predicate: Node): Loop => ({
  init: boolean(at, false),
  condition: call(at, operators.notStrictlyFalse, [call(at, operators.not, [accumulator(at)])]),
  step: call(at, operators.or, [accumulator(at), predicate]),
  result: accumulator(at),
});
const existsOne = (at: number, predicate: Node): Loop => ({
  init: integer(at, 0n),
  condition: boolean(at, true),
  step: call(at, operators.conditional, [predicate, call(at, operators.add, [accumulator(at), integer(at, 1n)]), accumulator(at)]),
  result: call(at, operators.equals, [accumulator(at), integer(at, 1n)]),
});

function collect(at: number, init: Node, grow: Node, filter: Node | undefined): Loop {
  const step = filter === undefined ? grow : call(at, operators.conditional, [filter, grow, accumulator(at)]);
  return { init, condition: boolean(at, true), step, result: accumulator(at) };
}
const append = (at: number, value: Node): Node => call(at, operators.add, [accumulator(at), list(at, [value])], true);

const quantifier =
  (make: (at: number, predicate: Node) => Loop): Expand =>
  (target, args, at) =>
    loop(at, target, variableOf(args[0], at), undefined, make(at, args[1] as Node));

function twoVariables(args: readonly Node[], at: number): readonly [string, string] {
  const first = variableOf(args[0], at);
  const second = variableOf(args[1], at);
  if (first === second) throw new SyntaxFault(args[1]?.at ?? at, `duplicate variable name: ${first}`);
  return [first, second];
}

const quantifier2 =
  (make: (at: number, predicate: Node) => Loop): Expand =>
  (target, args, at) =>
    loop(at, target, ...twoVariables(args, at), make(at, args[2] as Node));

const transform =
  (make: (at: number, key: string, value: Node) => { init: Node; grow: Node }): Expand =>
  (target, args, at) => {
    const [first, second] = twoVariables(args, at);
    const filter = args.length === 4 ? args[2] : undefined;
    const { init, grow } = make(at, first, args.at(-1) as Node);
    return loop(at, target, first, second, collect(at, init, grow, filter));
  };
const emptyMap = (at: number): Node => ({ kind: 'map', at, entries: [] });

const mapMacro: Expand = (target, args, at) => {
  const variable = variableOf(args[0], at);
  const filter = args.length === 3 ? args[1] : undefined;
  return loop(at, target, variable, undefined, collect(at, list(at, []), append(at, args.at(-1) as Node), filter));
};
const filterMacro: Expand = (target, args, at) => {
  const variable = variableOf(args[0], at);
  return loop(at, target, variable, undefined, collect(at, list(at, []), append(at, identifier(at, variable)), args[1]));
};

/** `x.optMap(v, e)`: `e` of the value in an optional, or none. */
const optionalMap =
  (wrap: boolean): Expand =>
  (target, args, at) => {
    const variable = variableOf(args[0], at);
    const inner = bind(at, variable, { kind: 'call', at, name: 'value', target, args: [] }, args[1] as Node);
    const some: Node = wrap ? { kind: 'call', at, name: 'optional.of', target: undefined, args: [inner] } : inner;
    const has: Node = { kind: 'call', at, name: 'hasValue', target, args: [] };
    return call(at, operators.conditional, [has, some, call(at, 'optional.none', [])]);
  };

/** A name for the value of an expression, as a loop over nothing whose accumulator has that name. */
function bind(at: number, name: string, value: Node, body: Node): Node {
  const range = list(at, []);
  return {
    kind: 'comprehension',
    at,
    range,
    variable: '#unused',
    variable2: undefined,
    accumulator: name,
    init: value,
    condition: boolean(at, false),
    step: identifier(at, name),
    result: body,
  };
}

const isCel = (target: Node): boolean => target.kind === 'ident' && target.name === 'cel';

const bindMacro: Expand = (target, args, at) => {
  if (!isCel(target)) return undefined;
  return bind(at, variableOf(args[0], at), args[1] as Node, args[2] as Node);
};

const sortBy: Expand = (target, args, at) => {
  if (target.kind === 'literal' || target.kind === 'map' || target.kind === 'struct') {
    throw new SyntaxFault(target.at, 'sortBy can only be applied to a list, identifier, comprehension, call or select expression');
  }
  const name = '@__sortBy_input__';
  const keys = mapMacro(identifier(at, name), args, at);
  const sorted: Node = { kind: 'call', at, name: '@sortByAssociatedKeys', target: identifier(at, name), args: [keys as Node] };
  return bind(at, name, target, sorted);
};

const receivers: Readonly<Record<string, Expand>> = {
  'all/2': quantifier(all),
  'exists/2': quantifier(exists),
  'exists_one/2': quantifier(existsOne),
  'existsOne/2': quantifier(existsOne),
  'map/2': mapMacro,
  'map/3': mapMacro,
  'filter/2': filterMacro,
  'all/3': quantifier2(all),
  'exists/3': quantifier2(exists),
  'exists_one/3': quantifier2(existsOne),
  'existsOne/3': quantifier2(existsOne),
  'optMap/2': optionalMap(true),
  'optFlatMap/2': optionalMap(false),
  'bind/3': bindMacro,
  'sortBy/2': sortBy,
};
const transforms: Readonly<Record<string, Expand>> = {
  transformList: transform((at, _key, value) => ({ init: list(at, []), grow: append(at, value) })),
  transformMap: transform((at, key, value) => ({
    init: emptyMap(at),
    grow: call(at, operators.mapInsert, [accumulator(at), identifier(at, key), value], true),
  })),
  transformMapEntry: transform((at, _key, value) => ({
    init: emptyMap(at),
    grow: call(at, operators.mapInsert, [accumulator(at), value], true),
  })),
};

/** Replaces calls that are macros. */
export class MacroTable {
  private readonly bindings: boolean;

  /** `bindings`: whether `cel.bind` is there; Kubernetes has it in the environments of mutations only. */
  constructor(bindings: boolean) {
    this.bindings = bindings;
  }

  /** The tree of a macro call, or undefined for an ordinary one. Throws `SyntaxFault`. */
  expand(name: string, target: Node | undefined, args: readonly Node[], at: number): Node | undefined {
    if (target === undefined) {
      if (name !== 'has' || args.length !== 1) return undefined;
      const [argument] = args;
      if (argument?.kind !== 'select' || argument.testOnly) throw new SyntaxFault(argument?.at ?? at, 'invalid argument to has() macro');
      return { ...argument, testOnly: true };
    }
    if (name === 'bind' && !this.bindings) return undefined;
    const key = `${name}/${args.length.toString()}`;
    if (Object.hasOwn(receivers, key)) return receivers[key]?.(target, args, at);
    if ((args.length === 3 || args.length === 4) && Object.hasOwn(transforms, name)) return transforms[name]?.(target, args, at);
    return undefined;
  }
}
