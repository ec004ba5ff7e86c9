import { FieldPath, fieldInvalid } from '@bayplan/api';
import type { FieldError } from '@bayplan/api';

export type Level = 'privileged' | 'baseline' | 'restricted';

/** A level at a version: `minor` of v1, or Infinity for `latest`. */
export interface LevelVersion {
  readonly level: Level;
  readonly minor: number;
}

/** What a namespace demands of its pods, and what it only records or warns about. */
export interface PodSecurityPolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

export const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const latest = Infinity;
type Mode = 'enforce' | 'audit' | 'warn';
const prefix = 'pod-security.kubernetes.io/';

export const privilegedPolicy: PodSecurityPolicy = {
  enforce: { level: 'privileged', minor: latest },
  audit: { level: 'privileged', minor: latest },
  warn: { level: 'privileged', minor: latest },
};

/** `restricted:latest`, `baseline:v1.25`. */
export function levelText({ level, minor }: LevelVersion): string {
  return `${level}:${minor === latest ? 'latest' : `v1.${minor.toString()}`}`;
}

export function parseLevel(text: string): Level | undefined {
  return levels.find((level) => level === text);
}

/** The minor version of `latest` or `v1.N`; undefined when it is neither. */
export function parseVersion(text: string): number | undefined {
  if (text === 'latest') return latest;
  const found = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/**
 * What labels of a namespace ask for. A policy results from faulty labels too: to enforce, the strictest; to record
 * and to warn, nothing.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: PodSecurityPolicy,
): { readonly policy: PodSecurityPolicy; readonly faults: readonly FieldError[] } {
  const faults: FieldError[] = [];
  const fault = (label: string, value: string, text: string): void =>
    void faults.push(fieldInvalid(FieldPath.of('metadata', 'labels').key(label), value, text));
  const read = (mode: Mode): LevelVersion => {
    let { level, minor } = defaults[mode];
    const asked = labels?.[`${prefix}${mode}`];
    if (asked !== undefined) {
      const known = parseLevel(asked);
      if (known === undefined) fault(`${prefix}${mode}`, asked, 'must be one of privileged, baseline, restricted');
      level = known ?? (mode === 'enforce' ? 'restricted' : 'privileged');
    }
    const version = labels?.[`${prefix}${mode}-version`];
    if (version !== undefined) {
      const known = parseVersion(version);
      if (known === undefined) fault(`${prefix}${mode}-version`, version, 'must be "latest" or "v1.x"');
      minor = known ?? latest;
    }
    return { level, minor };
  };
  if (labels === undefined) return { policy: defaults, faults };
  return { policy: { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }, faults };
}
