import type { ApiRequest } from '../http/request.ts';

const tokenProtocol = 'base64url.bearer.authorization.k8s.io.';
const header = 'sec-websocket-protocol';

/** A browser's token travels as a WebSocket subprotocol: what is behind this server must not see it. */
export function withoutToken(request: ApiRequest): Record<string, string> {
  const given = request.headers[header];
  if (given === undefined || !given.includes(tokenProtocol)) return {};
  const kept = given
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => !protocol.startsWith(tokenProtocol));
  return { [header]: kept.join(', ') };
}
