import type { Container, Pod } from '@bayplan/api';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { parseLogLine } from '../logs/log-line.ts';
import { podLogDirectory } from '../runtime/sandbox-config.ts';
import type { ObservedContainer } from './observed.ts';
import type { PodContext } from './pod-context.ts';
import { terminationFileOf } from './pod-starter.ts';

const mostFileBytes = 4096;
const mostLogBytes = 2048;
const mostLogLines = 80;

/**
 * The last message of an ended container: what it wrote to its termination file, or, where the policy
 * says so and it failed without one, the end of its log. Empty when there is none.
 */
export async function terminationMessage(
  context: PodContext,
  pod: Pod,
  container: Container | undefined,
  ended: ObservedContainer,
): Promise<string> {
  const file = terminationFileOf(context.volumes.podDirectory(pod.metadata.uid ?? ''), ended.name, ended.attempt);
  const written = (await readEdge(file, mostFileBytes, 'start')).toString();
  if (written !== '' || ended.exitCode === 0 || container?.terminationMessagePolicy !== 'FallbackToLogsOnError') return written;
  const log = path.join(podLogDirectory(context.podLogsDir, pod), ended.name, `${String(ended.attempt)}.log`);
  const lines = (await readEdge(log, mostLogBytes * 4, 'end'))
    .toString()
    .split('\n')
    .slice(-mostLogLines - 1);
  const text = lines.flatMap((line) => parseLogLine(Buffer.from(line))?.content.toString() ?? []).join('\n');
  return text.slice(-mostLogBytes);
}

/** The first or last bytes of a file; none when it is not there. */
async function readEdge(file: string, bytes: number, edge: 'start' | 'end'): Promise<Buffer> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { size } = await handle.stat();
    const length = Math.min(bytes, size);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, edge === 'start' ? 0 : size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
