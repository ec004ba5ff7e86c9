import type { KubeObject } from '../object.ts';
import type { Amounts } from './amounts.ts';

/** A scope of a quota, in the form of a scope selector's requirement. */
export interface QuotaScope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

/** How objects of one resource count against quotas. Pure; `object` is never changed. */
export interface QuotaEvaluator {
  readonly group: string;
  readonly resource: string;
  /** Whether an operation on the resource (or its `subresource`, empty for none) can change what is used. */
  handles(operation: 'CREATE' | 'UPDATE', subresource: string): boolean;
  /** True for a name of a quota's `hard` that this resource's objects count against. */
  tracks(name: string): boolean;
  inScope(scope: QuotaScope, object: KubeObject): boolean;
  /** What the object lacks that a quota over `names` demands, such as `must specify limits.cpu for: c`; undefined when nothing. */
  lacking(names: ReadonlySet<string>, object: KubeObject): string | undefined;
  usage(object: KubeObject, nowMs: number): Amounts;
}

/** Requirements of `In`, `NotIn`, `Exists` and `DoesNotExist` about one name that an object may have. */
export function scopeAllows(scope: QuotaScope, name: string | undefined): boolean {
  const present = name !== undefined && name !== '';
  switch (scope.operator) {
    case 'Exists':
      return present;
    case 'DoesNotExist':
      return !present;
    case 'In':
      return present && (scope.values ?? []).includes(name);
    case 'NotIn':
      return !present || !(scope.values ?? []).includes(name);
    default:
      return false;
  }
}

/** `count/pods`, `count/deployments.apps`: the name under which objects of a resource are counted. */
export function countName(group: string, resource: string): string {
  return `count/${resource}${group === '' ? '' : `.${group}`}`;
}
