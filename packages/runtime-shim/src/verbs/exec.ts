import { RpcError } from '@bayplan/rpc';
import type { ExecRequest } from '@bayplan/rpc';
import { acceptRemoteCommand } from '@bayplan/streaming';
import type { Runtime } from '../runtime.ts';
import { runExec } from '../streams/exec-session.ts';
import { runningContainer } from './exec-sync.ts';

/** Offers a URL at which a client can run a command in a container. */
export async function exec(runtime: Runtime, request: ExecRequest): Promise<{ url: string }> {
  const record = runningContainer(runtime, request.containerId);
  if (!request.stdin && !request.stdout && !request.stderr) throw new RpcError('INVALID_ARGUMENT', 'At least one stream must be asked for');
  const url = await runtime.streaming.offer('exec', async (req, socket, head) => {
    const client = await acceptRemoteCommand(req, socket, head, request);
    const end = await runExec(runtime, record, request, client).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    await client.finish(end);
  });
  return { url };
}
