import net from 'node:net';
import type { ForwardedConnection, PortForward } from '@bayplan/streaming';
import { joinStreams } from '@bayplan/streaming';
import type { Runtime } from '../runtime.ts';

/** After one side has ended its half of a connection, the other may take this long for its own. */
const halfOpenSeconds = 300;
/** From the end of socat's output to its exit, when it could not connect. */
const failureGraceMs = 100;

/** Connects every forwarded connection to a port of the pod's loopback, until the client goes. */
export async function runPortForward(runtime: Runtime, netnsPath: string | undefined, session: PortForward): Promise<void> {
  for await (const connection of session.connections) {
    const work = netnsPath === undefined ? forwardOnHost(connection) : forwardIntoPod(runtime, netnsPath, connection);
    work.catch((error: unknown) => connection.fail(error instanceof Error ? error.message : String(error)));
  }
}

async function forwardOnHost(connection: ForwardedConnection): Promise<void> {
  const target = net.connect({ host: '127.0.0.1', port: connection.port, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    target.once('connect', resolve);
    target.once('error', reject);
  });
  await joinStreams(connection.data, target);
}

/** Only a process inside of the pod's namespace reaches what listens on the pod's loopback. */
async function forwardIntoPod(runtime: Runtime, netnsPath: string, connection: ForwardedConnection): Promise<void> {
  const args = [`--net=${netnsPath}`, 'socat', `-t${halfOpenSeconds}`, 'STDIN!!STDOUT,shut-close', `TCP4:127.0.0.1:${connection.port}`];
  const relay = await runtime.host.open('nsenter', args, { streams: { stdin: true, stdout: true, stderr: true } });
  let complaint = '';
  relay.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const { data } = connection;
  if (relay.stdin) data.pipe(relay.stdin);
  relay.stdout?.on('data', (chunk: Buffer) => {
    if (!data.destroyed && !data.write(chunk)) {
      relay.stdout?.pause();
      data.once('drain', () => relay.stdout?.resume());
    }
  });
  data.once('close', () => relay.kill('SIGTERM'));
  // When the pod ends its half the client must hear of it, or neither would ever close: socat closes its
  // output then (`shut-close`). A failure to connect ends the output too, so wait a little for its exit code.
  relay.stdout?.once('end', () => setTimeout(() => !data.destroyed && !data.writableEnded && data.end(), failureGraceMs).unref());
  const exitCode = await relay.ended;
  if (exitCode !== 0 && complaint !== '' && !data.destroyed && !data.writableEnded)
    connection.fail(`Cannot reach port ${connection.port}: ${complaint.trim()}`);
  else if (!data.destroyed && !data.writableEnded) data.end();
}
