import type { APIService } from '@bayplan/api';
import { issueCertificate } from '@bayplan/component-base';
import type { Clock, KeyPair } from '@bayplan/component-base';
import { Agent, request } from 'node:https';
import type { AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { ClusterKeys } from '../keys/cluster-keys.ts';
import { secured } from '../webhooks/secured.ts';
import type { ServiceLink } from '../webhooks/service-link.ts';
import { frontProxyName } from './remote-identity.ts';

const maxDocumentBytes = 32 * 1024 * 1024;

/** The certificate with which this server calls extension API servers; issued once. */
export class FrontProxy {
  private readonly keys: ClusterKeys;
  private readonly clock: Clock;
  private pair: Promise<KeyPair> | undefined;

  constructor(keys: ClusterKeys, clock: Clock) {
    this.keys = keys;
    this.clock = clock;
  }

  certificate(): Promise<KeyPair> {
    this.pair ??= issueCertificate(this.keys.frontProxyCa, { commonName: frontProxyName, usages: ['client'] }, this.clock.now());
    return this.pair;
  }
}

/** The link to the server behind one APIService: which endpoint, whom to trust, and connections that are kept. */
export class RemoteApi {
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  readonly agent: Agent;
  private readonly link: ServiceLink;
  private readonly frontProxy: FrontProxy;
  private readonly trust: ConnectionOptions;

  constructor({ spec }: APIService, link: ServiceLink, frontProxy: FrontProxy) {
    const { service, caBundle, insecureSkipTLSVerify } = spec ?? {};
    this.service = { namespace: service?.namespace ?? '', name: service?.name ?? '', port: service?.port ?? 443 };
    this.link = link;
    this.frontProxy = frontProxy;
    this.trust = {
      servername: this.host,
      ...(insecureSkipTLSVerify ? { rejectUnauthorized: false } : {}),
      ...(caBundle ? { ca: Buffer.from(caBundle, 'base64').toString('utf8') } : {}),
    };
    this.agent = new RemoteAgent(() => this.open(), { keepAlive: true, maxFreeSockets: 4, timeout: 60_000 });
  }

  get host(): string {
    return `${this.service.name}.${this.service.namespace}.svc`;
  }

  /** The URL of `path` at the server; its host is the Service's name. */
  url(path: string): URL {
    const url = new URL(`https://${this.host}:${this.service.port.toString()}`);
    const question = path.indexOf('?');
    url.pathname = question < 0 ? path : path.slice(0, question);
    url.search = question < 0 ? '' : path.slice(question);
    return url;
  }

  /** A connection with TLS done. */
  async open(): Promise<Duplex> {
    const { namespace, name, port } = this.service;
    const endpoint = await this.link.endpointOf(namespace, name, port);
    const { certPem, keyPem } = await this.frontProxy.certificate();
    return secured(await this.link.connect(endpoint), { ...this.trust, cert: certPem, key: keyPem });
  }

  /** GETs a document as this server itself. Rejects when it is not answered with success in time. */
  get(path: string, accept: string, signal: AbortSignal): Promise<{ readonly contentType: string; readonly bytes: Buffer }> {
    const url = this.url(path);
    const headers = { accept, 'X-Remote-User': 'system:kube-aggregator', 'X-Remote-Group': 'system:masters' };
    return new Promise((resolve, reject) => {
      const asked = request(url, { agent: this.agent, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxDocumentBytes) response.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status < 200 || status > 299) reject(new Error(`bad status from ${url.href}: ${status.toString()}`));
          else resolve({ contentType: response.headers['content-type'] ?? '', bytes: Buffer.concat(chunks) });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** An agent whose connections come from somewhere else than DNS and a plain socket. */
class RemoteAgent extends Agent {
  private readonly open: () => Promise<Duplex>;

  constructor(open: () => Promise<Duplex>, options: AgentOptions) {
    super(options);
    this.open = open;
  }

  // Node.js takes the connection by the callback when nothing is returned.
  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): undefined {
    this.open().then(
      (socket) => done?.(null, socket),
      (error: unknown) => done?.(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}
