import type { Container, LabelSelector, ObjectMeta } from '../generated/types.ts';
import { isSelectorOperator, selectorOf } from '../selectors/label-selector.ts';
import { humanDuration, parseTime } from '../time.ts';

export const none = '<none>';

/** The time since `timestamp` as kubectl prints it. */
export function since(timestamp: string | undefined, nowMs: number): string {
  const time = parseTime(timestamp);
  return time === undefined ? '<unknown>' : humanDuration(nowMs - time);
}

export function age(object: { readonly metadata?: ObjectMeta | undefined }, nowMs: number): string {
  return since(object.metadata?.creationTimestamp, nowMs);
}

export function nameOf(object: { readonly metadata?: ObjectMeta | undefined }): string {
  return object.metadata?.name ?? '';
}

/** `a=b,c=d` sorted by key, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? none : keys.map((key) => `${key}=${labels?.[key] ?? ''}`).join(',');
}

export function selectorText(selector: LabelSelector | undefined): string {
  if (!selector) return none;
  if (selector.matchExpressions?.some(({ operator }) => !isSelectorOperator(operator)) === true) return '<error>';
  const printed = selectorOf(selector).toString();
  return printed === '' ? none : printed;
}

export function containerNames(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.name).join(',');
}

export function containerImages(containers: readonly Container[] | undefined): string {
  return (containers ?? []).map((container) => container.image ?? '').join(',');
}

/** The first three, and how many more there are. */
export function firstThree(items: readonly string[], separator = ','): string {
  const shown = items.slice(0, 3).join(separator);
  return items.length > 3 ? `${shown} + ${(items.length - 3).toString()} more...` : shown;
}

export function orNone(value: string | undefined): string {
  return value === undefined || value === '' ? none : value;
}

export function sizeOf(object: object | undefined): number {
  return object === undefined ? 0 : Object.keys(object).length;
}
