import { WebSocket } from 'ws';

/** The client's end of an exec or attach session over WebSocket channels. */
export interface ChannelClient {
  readonly out: { stdout: string; stderr: string; error: string };
  send(text: string): void;
  endStdin(): void;
  resize(width: number, height: number): void;
  /** Resolves with the Status when the session has ended. */
  readonly ended: Promise<{ status?: string; message?: string; details?: { causes?: { message?: string }[] } }>;
  close(): void;
}

export async function openChannels(url: string): Promise<ChannelClient> {
  const socket = new WebSocket(url.replace('http:', 'ws:'), ['v5.channel.k8s.io']);
  const out = { stdout: '', stderr: '', error: '' };
  const names = { 1: 'stdout', 2: 'stderr', 3: 'error' } as const;
  socket.on('message', (data: Buffer) => {
    const name = names[data[0] as 1 | 2 | 3];
    out[name] += data.subarray(1).toString();
  });
  const ended = new Promise<object>((resolve) => {
    socket.once('close', () => resolve(out.error === '' ? {} : (JSON.parse(out.error) as object)));
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    out,
    ended,
    send: (text) => socket.send(Buffer.concat([Buffer.of(0), Buffer.from(text)])),
    endStdin: () => socket.send(Buffer.of(255, 0)),
    resize: (width, height) => socket.send(Buffer.concat([Buffer.of(4), Buffer.from(JSON.stringify({ Width: width, Height: height }))])),
    close: () => socket.terminate(),
  };
}

/** Polls a condition of the test until it holds, for at most ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Never came true: ${condition.toString()}`);
}
