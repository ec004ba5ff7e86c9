import { RpcError } from '@bayplan/rpc';
import type { AttachRequest } from '@bayplan/rpc';
import { acceptRemoteCommand } from '@bayplan/streaming';
import type { Runtime } from '../runtime.ts';
import { runAttach } from '../streams/attach-session.ts';
import { runningContainer } from './exec-sync.ts';

/** Offers a URL at which a client is connected to a container's first process. */
export async function attach(runtime: Runtime, request: AttachRequest): Promise<{ url: string }> {
  const record = runningContainer(runtime, request.containerId);
  if (!request.stdin && !request.stdout && !request.stderr) throw new RpcError('INVALID_ARGUMENT', 'At least one stream must be asked for');
  if (request.tty !== record.config.tty)
    throw new RpcError('INVALID_ARGUMENT', `Container ${record.id} ${record.config.tty ? 'has' : 'has no'} terminal`);
  const url = await runtime.streaming.offer('attach', async (req, socket, head) => {
    const client = await acceptRemoteCommand(req, socket, head, { ...request, stdin: request.stdin && record.config.stdin });
    const end = await runAttach(runtime, record, client).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    await client.finish(end);
  });
  return { url };
}
