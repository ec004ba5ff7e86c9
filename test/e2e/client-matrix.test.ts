import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientVersions, kubectlPath, runCommand } from './support/clients.ts';
import type { ClientVersion, CommandResult } from './support/clients.ts';
import { createTestCluster } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';
import { matrixScript, stack } from './support/matrix-script.ts';
import type { MatrixStep } from './support/matrix-script.ts';

let cluster: TestCluster;
let folder: string;

/** One line of the transcript: the step, its exit code, and what it printed, without what differs from run to run. */
function recorded(step: MatrixStep, result: CommandResult, namespace: string): string {
  const text = (step.show === 'code' ? '' : `${result.stdout}\n${result.stderr}`)
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(folder, 'FOLDER')
    // kubectl 1.34 and newer say from where something was deleted.
    .replaceAll(/ from NAMESPACE namespace/g, '')
    // kubectl 1.27 and older say `annotate`.
    .replaceAll(/annotate$/gm, 'annotated')
    .replaceAll(/^Warning: .* is deprecated in v1\.33\+.*\n/gm, '')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UID')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b/g, 'TIME')
    .replaceAll(/\b10\.\d+\.\d+\.\d+\b/g, 'ADDRESS')
    .replaceAll(/-[a-f0-9]{5,10}-[a-z0-9]{5}\b/g, '-HASH-RANDOM')
    .replaceAll(/resourceVersion: "\d+"|"resourceVersion": "\d+"/g, 'REVISION')
    .replaceAll(/\b(?:\d+m)?\d+s\b/g, 'AGE')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
  return `$ kubectl ${step.args.join(' ')}\n[${result.code.toString()}] ${step.pick === undefined ? text : (step.pick.exec(text)?.join(' | ') ?? `no match in ${text}`)}`;
}

async function transcript(version: ClientVersion): Promise<string[]> {
  const namespace = `matrix-${version.replace('.', '-')}`;
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, KUBE_EDITOR: `${path.join(folder, 'editor')}` };
  const lines: string[] = [];
  const run = (args: readonly string[], input?: string): Promise<CommandResult> =>
    runCommand(kubectlPath(version), ['--cache-dir', path.join(cluster.home, `cache-${version}`), '-n', namespace, ...args], {
      env,
      ...(input === undefined ? {} : { input }),
    });
  await run(['create', 'namespace', namespace]);
  for (const step of matrixScript) {
    const args = step.args.map((arg) => arg.replace('FOLDER', folder).replace('NAMESPACE', namespace));
    lines.push(recorded(step, await run(args, step.input), namespace));
  }
  await run(['delete', 'namespace', namespace, '--wait=false']);
  return lines;
}

/** Five minor versions of kubectl must not be able to tell, from one script, that they talk to anything but Kubernetes. */
describe('every kubectl', () => {
  beforeAll(async () => {
    cluster = await createTestCluster(['--hollow', '2', '--port', '26491', '--node-port', '26492']);
    folder = path.join(cluster.home, 'matrix');
    await mkdir(path.join(folder, 'kustom'), { recursive: true });
    await writeFile(path.join(folder, 'stack.yaml'), stack);
    await writeFile(path.join(folder, 'kustom/kustomization.yaml'), 'namePrefix: k-\nresources: [map.yaml]\n');
    await writeFile(path.join(folder, 'kustom/map.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {a: b}\n');
    await writeFile(path.join(folder, 'editor'), '#!/bin/sh\nsed -i s/before/after/ "$1"\n', { mode: 0o755 });
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster.remove());

  let first: string[] | undefined;
  test.each(clientVersions)('%s tells the same story', async (version) => {
    const lines = await transcript(version);
    expect(lines.filter((line) => line.includes('no match in'))).toEqual([]);
    for (const [n, step] of matrixScript.entries()) {
      if (step.code !== undefined) expect(lines[n], step.args.join(' ')).toContain(`\n[${step.code.toString()}]`);
    }
    first ??= lines;
    expect(lines).toEqual(first);
  });
});
