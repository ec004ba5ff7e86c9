/** The Kubernetes version whose API is served. */
export const kubernetesVersion = { major: '1', minor: '36', gitVersion: 'v1.36.0' } as const;

/** The body of `/version`. */
export function version(): object {
  const goPlatform = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return {
    ...kubernetesVersion,
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.version}`,
    compiler: 'v8',
    platform: goPlatform,
  };
}
