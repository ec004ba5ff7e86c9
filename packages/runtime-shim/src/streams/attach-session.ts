import { constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import type { CommandEnd, RemoteCommand } from '@bayplan/streaming';
import type { Runtime } from '../runtime.ts';
import type { ContainerRecord } from '../state/records.ts';
import { PacketDump } from './packet-dump.ts';

/** Conmon sends at most 8 KiB in a packet, behind a byte that names the stream. */
const packetBytes = 16 * 1024;
const fromStdout = 2;
const fromStderr = 3;
/** The control message that sets the size of a terminal: rows, then columns. */
const resizeMessage = 1;

/** After the client closed its input, the output goes on for as long as the container runs. */
const halfOpenSeconds = 10 * 365 * 86_400;

/**
 * Connects a client to the streams of a container's first process until that ends or the client goes.
 * Conmon's socket keeps packets apart, which Node.js cannot read: socat dumps each packet by itself.
 * One connection does for both directions, since conmon waits for every connection to take its output.
 */
export async function runAttach(runtime: Runtime, record: ContainerRecord, client: RemoteCommand): Promise<CommandEnd> {
  const bundle = runtime.layout.bundle(record.id);
  const withInput = client.stdin !== undefined;
  const socket = 'UNIX-CONNECT:attach,type=5';
  const addresses = withInput ? [`-t${halfOpenSeconds}`, 'STDIN!!OPEN:/dev/null', socket] : ['-u', socket, 'OPEN:/dev/null'];
  const relay = await runtime.host.open('socat', ['-x', `-b${packetBytes}`, ...addresses], {
    cwd: bundle,
    streams: { stdin: withInput, stderr: true },
  });
  const dump = new PacketDump(withInput ? '<' : '>', (packet) => {
    const target = packet[0] === fromStdout ? client.stdout : packet[0] === fromStderr ? client.stderr : undefined;
    if (target?.destroyed === false && !target.write(packet.subarray(1)) && relay.stderr?.isPaused() === false) {
      relay.stderr.pause();
      target.once('drain', () => relay.stderr?.resume());
    }
  });
  relay.stderr?.on('data', (chunk: Buffer) => dump.add(chunk));
  if (relay.stdin) client.stdin?.pipe(relay.stdin);
  if (record.config.tty) {
    client.onResize(({ width, height }) => {
      resizeTerminal(bundle, height, width).catch((err: unknown) => runtime.logger.debug('Did not resize a terminal', { err }));
    });
  }
  const leave = (): void => {
    relay.stderr?.resume();
    relay.kill('SIGTERM');
  };
  client.closed.addEventListener('abort', leave, { once: true });
  // While its input is open, socat outlives the container: the end of the one must end the other.
  void runtime.exits.wait(record.id, Infinity, client.closed).then(() => relay.stdin?.end());
  // The dump ends after the process: what is still in the pipe belongs to the client.
  if (relay.stderr) await finished(relay.stderr, { writable: false }).catch(() => undefined);
  await relay.ended;
  return { exitCode: 0 };
}

async function resizeTerminal(bundle: string, rows: number, columns: number): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_NONBLOCK;
  await writeFile(path.join(bundle, 'ctl'), `${resizeMessage} ${rows} ${columns}\n`, { flag });
}
