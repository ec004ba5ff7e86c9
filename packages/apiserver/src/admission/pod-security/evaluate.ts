import { baselineChecks } from './baseline-checks.ts';
import type { Check, Subject, Violation } from './check.ts';
import type { LevelVersion } from './policy.ts';
import { restrictedChecks } from './restricted-checks.ts';

/** Everything in which a pod falls short of a level, baseline first. */
export function violationsOf(subject: Subject, { level, minor }: LevelVersion): Violation[] {
  if (level === 'privileged') return [];
  const restricted = level === 'restricted' ? restrictedChecks.map((check) => versionOf(check, minor)) : [];
  const overridden = new Set(restricted.map((version) => version?.overrides));
  const baseline = baselineChecks.filter((check) => !overridden.has(check.id)).map((check) => versionOf(check, minor));
  return [...baseline, ...restricted].flatMap((version) => version?.check(subject) ?? []);
}

function versionOf({ versions }: Check, minor: number): Check['versions'][number] | undefined {
  return versions.findLast((version) => version.since <= minor);
}

/** `host namespaces (hostNetwork=true), privileged (container "c" …)`. */
export function detailText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

export function reasonText(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(', ');
}
