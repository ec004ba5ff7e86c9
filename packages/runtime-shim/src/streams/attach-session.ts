import { constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
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

/**
 * Connects a client to the streams of a container's first process until that ends or the client goes.
 * Conmon's socket keeps packets apart, which Node.js cannot read: socat dumps each packet by itself.
 */
export async function runAttach(runtime: Runtime, record: ContainerRecord, client: RemoteCommand): Promise<CommandEnd> {
  const bundle = runtime.layout.bundle(record.id);
  const socket = 'UNIX-CONNECT:attach,type=5';
  const listener = await runtime.host.open('socat', ['-u', '-x', `-b${packetBytes}`, socket, 'OPEN:/dev/null'], {
    cwd: bundle,
    streams: { stderr: true },
  });
  const dump = new PacketDump((packet) => {
    const target = packet[0] === fromStdout ? client.stdout : packet[0] === fromStderr ? client.stderr : undefined;
    if (target?.destroyed === false && !target.write(packet.subarray(1))) {
      listener.stderr?.pause();
      target.once('drain', () => listener.stderr?.resume());
    }
  });
  listener.stderr?.on('data', (chunk: Buffer) => dump.add(chunk));
  const speaker =
    client.stdin === undefined
      ? undefined
      : await runtime.host.open('socat', ['-u', '-b8192', 'STDIN', socket], { cwd: bundle, streams: { stdin: true } });
  if (speaker?.stdin) client.stdin?.pipe(speaker.stdin);
  if (record.config.tty) {
    client.onResize(({ width, height }) => {
      resizeTerminal(bundle, height, width).catch((err: unknown) => runtime.logger.debug('Did not resize a terminal', { err }));
    });
  }
  const leave = (): void => {
    listener.stderr?.resume();
    listener.kill('SIGTERM');
    speaker?.kill('SIGTERM');
  };
  client.closed.addEventListener('abort', leave, { once: true });
  await listener.ended;
  speaker?.kill('SIGTERM');
  return { exitCode: 0 };
}

async function resizeTerminal(bundle: string, rows: number, columns: number): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_NONBLOCK;
  await writeFile(path.join(bundle, 'ctl'), `${resizeMessage} ${rows} ${columns}\n`, { flag });
}
