import type { TestApiServer } from '../../src/testing/index.ts';

/** A request over the wire, as somebody who shows nothing but a token. */
export async function getWithToken(api: TestApiServer, token: string, path: string): Promise<{ status: number; body: string }> {
  const response = await api.server.handle({
    method: 'GET',
    path,
    query: new URLSearchParams(),
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    body: { kind: 'none' },
    peer: { kind: 'anonymous' },
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  });
  const { body } = response;
  return { status: response.status, body: body.kind === 'bytes' ? Buffer.concat(body.chunks).toString('utf8') : '' };
}
