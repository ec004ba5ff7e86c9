import type { CelType } from '../types/types.ts';
import type { Overload } from '../check/declarations.ts';

/** A node of the tree. The checker fills `type` and `overloads`; a tree is checked once and shared by evaluations. */
interface NodeBase {
  /** Offset in the source, in UTF-16 units. */
  readonly at: number;
  /** Static type, from the checker. */
  type?: CelType;
}

export interface LiteralNode extends NodeBase {
  readonly kind: 'literal';
  readonly value: LiteralValue;
}
export type LiteralValue =
  | { readonly of: 'int'; readonly value: bigint }
  | { readonly of: 'uint'; readonly value: bigint }
  | { readonly of: 'double'; readonly value: number }
  | { readonly of: 'string'; readonly value: string }
  | { readonly of: 'bytes'; readonly value: Uint8Array }
  | { readonly of: 'bool'; readonly value: boolean }
  | { readonly of: 'null' };

export interface IdentNode extends NodeBase {
  readonly kind: 'ident';
  readonly name: string;
  /** Set when the name is that of a type. */
  typeValue?: CelType;
}
export interface SelectNode extends NodeBase {
  readonly kind: 'select';
  readonly operand: Node;
  readonly field: string;
  /** `has(operand.field)` */
  readonly testOnly: boolean;
  /** Set when the whole chain turned out to be the qualified name of a variable or type. */
  qualified?: IdentNode;
}
export interface CallNode extends NodeBase {
  readonly kind: 'call';
  name: string;
  target: Node | undefined;
  readonly args: readonly Node[];
  /** Candidates left by the checker, at least one in a checked tree. */
  overloads?: readonly Overload[];
  /** Set on `accu + [x]` and map inserts of macros: the accumulator is private, so it may be changed in place. */
  readonly inPlace?: boolean;
}
export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly elements: readonly Node[];
  /** Positions written `?x`. */
  readonly optional: ReadonlySet<number>;
}
export interface MapEntryNode {
  readonly at: number;
  readonly key: Node;
  readonly value: Node;
  readonly optional: boolean;
}
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly entries: readonly MapEntryNode[];
}
export interface StructFieldNode {
  readonly at: number;
  readonly name: string;
  readonly value: Node;
  readonly optional: boolean;
}
export interface StructNode extends NodeBase {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly StructFieldNode[];
}
/** A loop made by a macro; the only form of iteration. */
export interface ComprehensionNode extends NodeBase {
  readonly kind: 'comprehension';
  readonly range: Node;
  readonly variable: string;
  /** Second variable: values where the first holds indexes or keys. */
  readonly variable2: string | undefined;
  readonly accumulator: string;
  readonly init: Node;
  readonly condition: Node;
  readonly step: Node;
  readonly result: Node;
}

export type Node = LiteralNode | IdentNode | SelectNode | CallNode | ListNode | MapNode | StructNode | ComprehensionNode;

/** Names that operators have as functions. */
export const operators = {
  conditional: '_?_:_',
  and: '_&&_',
  or: '_||_',
  not: '!_',
  equals: '_==_',
  notEquals: '_!=_',
  less: '_<_',
  lessEquals: '_<=_',
  greater: '_>_',
  greaterEquals: '_>=_',
  add: '_+_',
  subtract: '_-_',
  multiply: '_*_',
  divide: '_/_',
  modulo: '_%_',
  negate: '-_',
  index: '_[_]',
  optionalIndex: '_[?_]',
  optionalSelect: '_?._',
  in: '@in',
  notStrictlyFalse: '@not_strictly_false',
  mapInsert: 'cel.@mapInsert',
} as const;

/** The accumulator's name in loops; no identifier of a user can be that. */
export const accumulatorName = '@result';
