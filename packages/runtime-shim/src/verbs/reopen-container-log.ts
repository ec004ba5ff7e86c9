import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { constants } from 'node:fs';
import { RpcError } from '@bayplan/rpc';
import { containerOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';

/** Conmon's control messages: the type, then two numbers. Type 2 reopens the log files. */
const reopenLogs = '2 0 0\n';

/** Makes the monitor write to a new file where the log was, after someone moved the old one away. */
export async function reopenContainerLog(runtime: Runtime, containerId: string): Promise<void> {
  const record = containerOf(runtime, containerId);
  if (record.phase !== 'running') throw new RpcError('FAILED_PRECONDITION', `Container ${record.id} is ${record.phase}, not running`);
  // Without a reader the pipe refuses instead of blocking a thread for ever.
  const flag = constants.O_WRONLY | constants.O_NONBLOCK;
  await writeFile(path.join(runtime.layout.bundle(record.id), 'ctl'), reopenLogs, { flag: flag });
}
