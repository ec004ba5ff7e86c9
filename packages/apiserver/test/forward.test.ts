import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { forward } from '../src/connect/forward.ts';

it("keeps back a browser's token, whatever the request is", async () => {
  let seen: IncomingHttpHeaders = {};
  const far = createServer((request, response) => {
    seen = request.headers;
    response.end();
  });
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve));
  try {
    const url = new URL(`http://127.0.0.1:${(far.address() as AddressInfo).port.toString()}/`);
    const headers = { 'sec-websocket-protocol': 'base64url.bearer.authorization.k8s.io.c2VjcmV0, v4.channel.k8s.io' };
    const outcome = await forward(
      {
        method: 'GET',
        path: '/',
        query: new URLSearchParams(),
        headers,
        body: { kind: 'none' },
        peer: { kind: 'anonymous' },
        remoteAddress: '192.0.2.1',
        signal: AbortSignal.timeout(5000),
      },
      { url },
    );
    expect(outcome.kind).toBe('stream');
    expect(seen['sec-websocket-protocol']).toBe('v4.channel.k8s.io');
  } finally {
    far.closeAllConnections();
    await new Promise((resolve) => far.close(resolve));
  }
});
