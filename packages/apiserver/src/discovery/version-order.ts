const known = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const stability = { alpha: 0, beta: 1, stable: 2 } as const;

/** The order of a group's versions, the preferred one first: v10, v2, v2beta3, v1alpha1, then other names by alphabet. */
export function compareVersions(left: string, right: string): number {
  const [one, other] = [parts(left), parts(right)];
  if (one === undefined || other === undefined) {
    if (one === undefined && other === undefined) return left < right ? -1 : left > right ? 1 : 0;
    return one === undefined ? 1 : -1;
  }
  for (const [at, part] of one.entries()) {
    const difference = (other[at] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Stability, major and minor number; undefined for a name that is no version of Kubernetes' kind. */
function parts(version: string): readonly number[] | undefined {
  const match = known.exec(version);
  if (match === null) return undefined;
  const [, major = '', level, minor = '0'] = match;
  return [stability[(level ?? 'stable') as keyof typeof stability], Number(major), Number(minor)];
}
