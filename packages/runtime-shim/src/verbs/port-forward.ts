import { RpcError } from '@bayplan/rpc';
import type { PortForwardRequest } from '@bayplan/rpc';
import { acceptPortForward } from '@bayplan/streaming';
import { sandboxOf } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { sandboxParts } from '../sandbox-setup.ts';
import { runPortForward } from '../streams/port-forward-session.ts';

/** Offers a URL at which a client can connect to ports of a pod. */
export async function portForward(runtime: Runtime, request: PortForwardRequest): Promise<{ url: string }> {
  const record = sandboxOf(runtime, request.podSandboxId);
  if (record.phase !== 'ready') throw new RpcError('FAILED_PRECONDITION', `Pod sandbox ${record.id} is not ready`);
  const { network } = sandboxParts(runtime, record);
  const url = await runtime.streaming.offer('portforward', async (req, socket, head) => {
    await runPortForward(runtime, network, await acceptPortForward(req, socket, head, request.port));
  });
  return { url };
}
