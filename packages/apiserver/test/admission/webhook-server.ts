import { createCertificateAuthority, issueCertificate, systemClock } from '@bayplan/component-base';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Review {
  readonly request: Record<string, unknown> & { readonly uid: string };
}

export type Answer = (review: Review) => Record<string, unknown> | Promise<Record<string, unknown>>;

export interface WebhookServer {
  readonly port: number;
  /** PEM in base64, as `caBundle` wants it. */
  readonly caBundle: string;
  /** Every review that arrived, with the path it came by. */
  readonly seen: { path: string; review: Review }[];
  readonly connections: () => number;
  /** What each path answers, merged into `response`. */
  readonly answers: Map<string, Answer>;
  url(path: string): string;
  close(): Promise<void>;
}

/** An admission webhook over HTTPS; paths without an answer allow. */
export async function startWebhookServer(address = '127.0.0.1', dnsNames: readonly string[] = []): Promise<WebhookServer> {
  const ca = await createCertificateAuthority('webhooks', systemClock.now());
  const pair = await issueCertificate(
    ca,
    { commonName: 'webhook', dnsNames: ['localhost', ...dnsNames], ipAddresses: [address], usages: ['server'] },
    systemClock.now(),
  );
  const seen: WebhookServer['seen'] = [];
  const answers = new Map<string, Answer>();
  let connections = 0;
  const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const path = request.url ?? '';
        const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
        seen.push({ path, review });
        const answer = (await answers.get(path.split('?')[0] ?? '')?.(review)) ?? {};
        response.setHeader('content-type', 'application/json');
        if (typeof answer['raw'] === 'string') {
          response.statusCode = Number(answer['code'] ?? 200);
          response.end(answer['raw']);
          return;
        }
        response.end(
          JSON.stringify({
            kind: 'AdmissionReview',
            apiVersion: 'admission.k8s.io/v1',
            response: { uid: review.request.uid, allowed: true, ...answer },
          }),
        );
      })();
    });
  });
  server.on('secureConnection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    caBundle: Buffer.from(ca.certPem).toString('base64'),
    seen,
    connections: () => connections,
    answers,
    url: (path) => `https://${address}:${port.toString()}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A JSON patch as webhooks send it. */
export function patchOf(...operations: object[]): Record<string, unknown> {
  return { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}
