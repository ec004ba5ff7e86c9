/**
 * The part of an nftables table that changes with Services, as plain data. Chains and sets are
 * named; elements of sets and maps are keyed by the text of their key.
 */
export interface NftState {
  /** Rules of each chain, in order. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Declarations of sets that come and go, such as `type ipv4_addr; flags dynamic,timeout; timeout 3h;`. */
  readonly sets: ReadonlyMap<string, string>;
  /** For each set or map: key to value, where sets have the value ''. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export const emptyState: NftState = { chains: new Map(), sets: new Map(), elements: new Map() };

export interface NftScripts {
  /** One transaction that brings the kernel to the next state. Empty when nothing changed. */
  readonly apply: string;
  /**
   * A second transaction that deletes chains and sets that nothing refers to any more. Separate
   * because kernels before 6.2 refuse to delete what was still referred to when the transaction began.
   */
  readonly collect: string;
}

/** Longest list of elements in one command: keeps nft's parser linear. */
const elementsPerCommand = 500;

/** The scripts that turn `previous` into `next` inside `table` (family and name). */
export function diffState(table: string, previous: NftState, next: NftState): NftScripts {
  const apply: string[] = [];
  const collect: string[] = [];
  for (const name of next.chains.keys()) if (!previous.chains.has(name)) apply.push(`add chain ${table} ${name}`);
  for (const [name, declaration] of next.sets) {
    // A set cannot be changed in place; names carry what a declaration depends on.
    if (!previous.sets.has(name)) apply.push(`add set ${table} ${name} { ${declaration} }`);
  }
  const added: string[] = [];
  for (const name of new Set([...previous.elements.keys(), ...next.elements.keys()])) {
    const before = previous.elements.get(name) ?? new Map<string, string>();
    const after = next.elements.get(name) ?? new Map<string, string>();
    const gone = [...before].filter(([key, value]) => after.get(key) !== value).map(([key]) => key);
    const fresh = [...after]
      .filter(([key, value]) => before.get(key) !== value)
      .map(([key, value]) => (value === '' ? key : `${key} : ${value}`));
    for (const part of chunks(gone)) apply.push(`delete element ${table} ${name} { ${part.join(', ')} }`);
    for (const part of chunks(fresh)) added.push(`add element ${table} ${name} { ${part.join(', ')} }`);
  }
  for (const [name, rules] of next.chains) {
    const before = previous.chains.get(name);
    if (before !== undefined && sameRules(before, rules)) continue;
    if (before !== undefined) apply.push(`flush chain ${table} ${name}`);
    for (const rule of rules) apply.push(`add rule ${table} ${name} ${rule}`);
  }
  apply.push(...added);
  const stale = [...previous.chains.keys()].filter((name) => !next.chains.has(name));
  for (const name of stale) apply.push(`flush chain ${table} ${name}`);
  for (const name of stale) collect.push(`delete chain ${table} ${name}`);
  for (const name of previous.sets.keys()) if (!next.sets.has(name)) collect.push(`delete set ${table} ${name}`);
  return { apply: script(apply), collect: script(collect) };
}

function script(commands: readonly string[]): string {
  return commands.length === 0 ? '' : `${commands.join('\n')}\n`;
}

function sameRules(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((rule, index) => rule === right[index]);
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += elementsPerCommand) yield items.slice(start, start + elementsPerCommand);
}
