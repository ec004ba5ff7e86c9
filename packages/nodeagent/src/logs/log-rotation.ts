import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@bayplan/component-base';
import { containerNameLabel, podNameLabel, podNamespaceLabel, podUidLabel } from '../runtime/labels.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';

/** Kubernetes' defaults. */
const mostBytes = 10 * 1024 * 1024;
const mostFiles = 5;

/**
 * Puts the logs of running containers that have grown too large aside and has the runtime begin new ones.
 *
 * @returns how many were rotated.
 */
export async function rotateLogs(runtime: PodRuntime, podLogsDir: string, clock: Clock, signal: AbortSignal): Promise<number> {
  const filter = { state: { state: 'CONTAINER_RUNNING' as const } };
  const { containers } = await runtime.operation('list_containers', () => runtime.cri.runtime.listContainers({ filter }, { signal }));
  let rotated = 0;
  for (const { id, labels, metadata } of containers) {
    const [uid, name, namespace, container] = [
      labels[podUidLabel],
      labels[podNameLabel],
      labels[podNamespaceLabel],
      labels[containerNameLabel],
    ];
    if (uid === undefined || name === undefined || namespace === undefined || container === undefined) continue;
    const file = path.join(podLogsDir, `${namespace}_${name}_${uid}`, container, `${String(metadata?.attempt ?? 0)}.log`);
    const size = await stat(file).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size <= mostBytes) continue;
    const stamp = new Date(clock.now()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
    await rename(file, `${file}.${stamp}`);
    await runtime.operation('reopen_container_log', () => runtime.cri.runtime.reopenContainerLog({ containerId: id }, { signal }));
    await removeOldest(file);
    rotated += 1;
  }
  return rotated;
}

async function removeOldest(file: string): Promise<void> {
  const base = path.basename(file);
  const rotated = (await readdir(path.dirname(file))).filter((name) => name.startsWith(`${base}.`)).toSorted();
  // The current file counts as one.
  for (const name of rotated.slice(0, Math.max(0, rotated.length - (mostFiles - 1))))
    await rm(path.join(path.dirname(file), name), { force: true });
}
