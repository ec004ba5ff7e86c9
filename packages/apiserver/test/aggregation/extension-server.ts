import { createCertificateAuthority, issueCertificate, systemClock } from '@bayplan/component-base';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

export interface ExtensionServer {
  readonly port: number;
  readonly caBundle: string;
  /** Requests for objects, with who the headers say asks and what the client certificate says. */
  readonly seen: { path: string; user: unknown; groups: unknown; extra: unknown; client: string; authorization: unknown }[];
  healthy: boolean;
  close(): Promise<void>;
}

const resources = [
  { name: 'gauges', singularName: 'gauge', namespaced: false, kind: 'Gauge', verbs: ['get', 'list', 'watch'], shortNames: ['ga'] },
  { name: 'gauges/reading', singularName: '', namespaced: false, kind: 'Reading', verbs: ['get'] },
];

/** An extension API server for `gauges.test/v1` that believes the front proxy only. */
export async function startExtensionServer(address: string, frontProxyCa: string, dnsName: string): Promise<ExtensionServer> {
  const ca = await createCertificateAuthority('extension-ca', systemClock.now());
  const request = { commonName: 'extension', dnsNames: [dnsName], usages: ['server'] as const };
  const pair = await issueCertificate(ca, request, systemClock.now());
  const server = createServer({ cert: pair.certPem, key: pair.keyPem, ca: frontProxyCa, requestCert: true, rejectUnauthorized: false });
  const started: ExtensionServer = {
    port: 0,
    caBundle: Buffer.from(ca.certPem).toString('base64'),
    seen: [],
    healthy: true,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const json = (response: ServerResponse, status: number, value: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  const gauge = (name: string) => ({ kind: 'Gauge', apiVersion: 'gauges.test/v1', metadata: { name }, value: 7 });
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const socket = incoming.socket as TLSSocket;
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    if (!started.healthy) return json(response, 500, {});
    if (!socket.authorized) return json(response, 401, {});
    if (path === '/apis/gauges.test/v1') {
      return json(response, 200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'gauges.test/v1', resources });
    }
    if (path === '/openapi/v3') {
      return json(response, 200, { paths: { 'apis/gauges.test/v1': { serverRelativeURL: '/openapi/v3/apis/gauges.test/v1?hash=AB' } } });
    }
    if (path === '/openapi/v3/apis/gauges.test/v1') return json(response, 200, { openapi: '3.0.0', info: { title: 'gauges' } });
    const { headers } = incoming;
    started.seen.push({
      path: incoming.url ?? '',
      user: headers['x-remote-user'],
      groups: headers['x-remote-group'],
      extra: headers['x-remote-extra-a%2fb'],
      client: String(socket.getPeerCertificate().subject.CN),
      authorization: headers.authorization,
    });
    if (path === '/apis/gauges.test/v1/gauges' && (incoming.url ?? '').includes('watch=')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`${JSON.stringify({ type: 'ADDED', object: gauge('one') })}\n`);
      setTimeout(() => response.end(`${JSON.stringify({ type: 'ADDED', object: gauge('two') })}\n`), 50);
      return;
    }
    if (path === '/apis/gauges.test/v1/gauges') {
      return json(response, 200, { kind: 'GaugeList', apiVersion: 'gauges.test/v1', metadata: {}, items: [gauge('one')] });
    }
    return json(response, 404, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      message: 'no such gauge',
      code: 404,
    });
  });
  server.on('upgrade', (incoming: IncomingMessage, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.write(`hello ${String(incoming.headers['x-remote-user'])}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return Object.assign(started, { port: (server.address() as AddressInfo).port });
}
