import type { HttpOutcome } from '../lifecycle/http-action.ts';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING`. */
const serving = 1;

/**
 * Asks a server for its health by the gRPC health checking protocol. The one message is written by
 * hand: a client library for it would cost more memory than everything else about probes.
 */
export async function grpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<HttpOutcome> {
  const http2 = await import('node:http2');
  const address = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  return new Promise((resolve) => {
    const session = http2.connect(`http://${address}`);
    const deadline = setTimeout(
      () => finish({ ok: false, output: `timeout: failed to connect service "${address}" within ${String(timeoutMs / 1000)}s` }),
      timeoutMs,
    );
    const finish = (outcome: HttpOutcome): void => {
      clearTimeout(deadline);
      session.destroy();
      resolve(outcome);
    };
    session.on('error', (error) => finish({ ok: false, output: `error: this server does not answer: ${error.message}` }));
    const request = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '';
    request.on('response', (headers) => (status = String(headers['grpc-status'] ?? '')));
    request.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? '')));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', (error) => finish({ ok: false, output: error.message }));
    request.on('end', () => {
      const message = Buffer.concat(chunks).subarray(5);
      // Field 1, a varint: its tag is 8.
      const answer = message[0] === 8 ? (message[1] ?? 0) : 0;
      if (status !== '0') finish({ ok: false, output: `error: health rpc failed with status ${status}` });
      else if (answer !== serving) finish({ ok: false, output: `service unhealthy (responded with status code ${String(answer)})` });
      else finish({ ok: true, output: 'service healthy' });
    });
    request.end(frame(service));
  });
}

/** A gRPC frame (no compression, length) around a message whose field 1 is the service's name. */
function frame(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([10, ...length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
