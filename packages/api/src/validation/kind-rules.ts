import type { Faults } from './faults.ts';

/** What is checked of a kind beside its metadata. Objects are defaulted and in the version they are stored in. */
export interface KindRules {
  /** Of the object as it is, at create and update. */
  readonly always?: (object: never, faults: Faults) => void;
  /** At create only. */
  readonly create?: (object: never, faults: Faults) => void;
  /** What an update may not change, and the whole of the object where `always` does not say it. */
  readonly update?: (next: never, old: never, faults: Faults) => void;
  /** Of a write to the status endpoint. */
  readonly status?: (next: never, old: never, faults: Faults) => void;
  /** Of updates through other endpoints, by their names. */
  readonly through?: Readonly<Record<string, (next: never, old: never, faults: Faults) => void>>;
  /** The syntax of names; DNS subdomain unless said otherwise. */
  readonly nameSyntax?: (name: string) => string[];
}

/** By `GROUP/KIND`; the core group is empty. */
export type RuleTable = Readonly<Record<string, KindRules>>;
