// A node's API with nothing but the tunnel, and a pod behind it; run inside a network namespace by tunnel-route.integration.test.ts.
import { createServer } from 'node:http';
import { serveNodeApi } from '../../dist/server/node-api.js';
import { tunnelHandler } from '../../dist/server/tunnel-handler.js';

const { certificates, nodeAddress, podAddress } = JSON.parse(process.env.TUNNEL_AGENT);
const pod = createServer((request, response) => response.end(`pod saw ${request.url}`));
await new Promise((resolve) => pod.listen(0, podAddress, resolve));
const guard = {
  identify: (request) => Promise.resolve(request.socket.authorized ? { name: 'caller', groups: [] } : undefined),
  allows: () => Promise.resolve(true),
};
const quiet = { warn() {}, trace() {}, info() {}, debug() {}, error() {} };
const server = await serveNodeApi({
  certificates,
  address: nodeAddress,
  port: 0,
  guard,
  routes: { plain: {}, upgrade: {}, tunnel: tunnelHandler(() => [{ metadata: { name: 'p' }, status: { podIP: podAddress } }]) },
  logger: quiet,
  signal: new AbortController().signal,
});
console.log(JSON.stringify({ port: server.port, podPort: pod.address().port }));
