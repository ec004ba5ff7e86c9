import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { RpcError } from '@bayplan/rpc';
import type { Runtime } from './runtime.ts';
import type { ContainerRecord, ProcessIdentity } from './state/records.ts';

/**
 * Starts conmon, which has the OCI runtime create the container, then keeps its output flowing into
 * the log and writes its exit code to a file, whether or not the shim lives.
 */
export async function startMonitor(runtime: Runtime, record: ContainerRecord, bundle: string): Promise<ProcessIdentity> {
  const { config } = record;
  const args = [
    '--api-version=1',
    `--cid=${record.id}`,
    `--cuuid=${record.id}`,
    `--name=${config.metadata?.name ?? record.id}`,
    `--runtime=${record.runtime}`,
    `--bundle=${bundle}`,
    `--container-pidfile=${path.join(bundle, 'pid')}`,
    `--conmon-pidfile=${path.join(bundle, 'conmon.pid')}`,
    `--persist-dir=${bundle}`,
    `--exit-dir=${runtime.layout.exits}`,
    `--log-path=${record.logPath === '' ? 'none' : `k8s-file:${record.logPath}`}`,
    '--log-level=error',
    '--full-attach',
    '--no-sync-log',
    `--runtime-arg=--root=${runtime.layout.runtimeState}`,
    ...(config.tty ? ['--terminal'] : []),
    ...(config.stdin ? ['--stdin'] : []),
    ...(config.stdin && !config.stdinOnce ? ['--leave-stdin-open'] : []),
  ];
  const result = await runtime.host.run('conmon', args, { env: { _OCI_SYNCPIPE: '3' }, sync: true });
  const fault = faultOf(result.sync) ?? (result.sync === '' ? result.stderr.toString().trim() || 'conmon ended early' : undefined);
  if (fault !== undefined) throw new RpcError('UNKNOWN', `Cannot create the container: ${fault}`);
  const pid = Number(await readFile(path.join(bundle, 'pid'), 'utf8'));
  const startTicks = await runtime.host.processStart(pid);
  if (startTicks === undefined) throw new RpcError('UNKNOWN', 'Cannot create the container: its first process ended early');
  return { pid, startTicks };
}

/** Conmon reports `{"data": pid}`, or a negative number and the runtime's complaint. */
function faultOf(report: string): string | undefined {
  const line = report.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) return undefined;
  const { data, message } = JSON.parse(line) as { data?: number; message?: string };
  return data !== undefined && data >= 0 ? undefined : (message ?? 'the runtime gave no reason').trim();
}
