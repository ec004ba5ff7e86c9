import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock, Random } from '@bayplan/component-base';
import { frameTcp, splitTcp } from './tcp-framing.ts';

/** Asks other servers for names that are not the cluster's. */
export interface Forwarder {
  /**
   * The raw answer of the first server that gives one, with the question's id. Undefined when none
   * did in time or too many questions are waiting already.
   */
  forward(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>;
}

export interface ForwarderOptions {
  /** `address` or `address#port`, in order of preference. */
  readonly servers: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly random: Random;
  /** For one server. Default 1,500. */
  readonly timeoutMs?: number;
  /** Questions waiting at once. Default 512. */
  readonly maxWaiting?: number;
}

/** At most this many servers are asked for one question: resolvers of pods give up after 5 s. */
const maxAttempts = 3;
/** How long a server that failed is asked last. */
const avoidForMs = 10_000;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const timeoutMs = options.timeoutMs ?? 1500;
  const failedAt = new Map<string, number>();
  let waiting = 0;

  const preferred = (servers: readonly string[]): string[] => {
    const avoided = (server: string) => options.clock.monotonic() - (failedAt.get(server) ?? -Infinity) < avoidForMs;
    return [...servers.filter((server) => !avoided(server)), ...servers.filter(avoided)].slice(0, maxAttempts);
  };

  return {
    async forward(query, transport) {
      if (waiting >= (options.maxWaiting ?? 512)) return undefined;
      waiting += 1;
      try {
        for (const server of preferred(await options.servers())) {
          const answer = await ask(server, query, transport, timeoutMs, options);
          if (answer !== undefined) {
            failedAt.delete(server);
            return answer;
          }
          failedAt.set(server, options.clock.monotonic());
        }
        return undefined;
      } finally {
        waiting -= 1;
      }
    },
  };
}

async function ask(
  server: string,
  query: Buffer,
  transport: 'udp' | 'tcp',
  timeoutMs: number,
  options: ForwarderOptions,
): Promise<Buffer | undefined> {
  const [host = '', portText = '53'] = server.split('#');
  // A fresh id and a fresh source port make answers hard to forge (RFC 5452).
  const id = Math.floor(options.random.next() * 65_536);
  const asked = Buffer.from(query);
  asked.writeUInt16BE(id, 0);
  const answer =
    transport === 'udp'
      ? await askUdp(host, Number(portText), asked, id, timeoutMs, options.clock)
      : await askTcp(host, Number(portText), asked, id, timeoutMs, options.clock);
  answer?.writeUInt16BE(query.readUInt16BE(0), 0);
  return answer;
}

function isAnswer(message: Buffer, id: number): boolean {
  return message.length >= 12 && message.readUInt16BE(0) === id && (message.readUInt8(2) & 0x80) !== 0;
}

function askUdp(host: string, port: number, query: Buffer, id: number, timeoutMs: number, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let finished = false;
    const finish = (answer: Buffer | undefined): void => {
      // Closing cancels a question that is still to be sent, which reports here once more.
      if (finished) return;
      finished = true;
      timer.cancel();
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      resolve(answer);
    };
    const timer = clock.after(timeoutMs, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.on('message', (message) => {
      if (isAnswer(message, id)) finish(message);
    });
    // Connected, so that a closed port fails at once instead of after the timeout.
    socket.connect(port, host, () => {
      socket.send(query, (error) => {
        if (error) finish(undefined);
      });
    });
  });
}

function askTcp(host: string, port: number, query: Buffer, id: number, timeoutMs: number, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: Buffer | undefined): void => {
      timer.cancel();
      socket.destroy();
      resolve(answer);
    };
    const timer = clock.after(timeoutMs, () => finish(undefined));
    socket.once('error', () => finish(undefined)).once('close', () => finish(undefined));
    socket.on(
      'data',
      splitTcp((message) => {
        if (isAnswer(message, id)) finish(message);
      }),
    );
    socket.write(frameTcp(query));
  });
}
