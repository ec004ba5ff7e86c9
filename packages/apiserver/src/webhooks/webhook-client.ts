import type { Clock } from '@bayplan/component-base';
import type { Duplex } from 'node:stream';
import type { Agent, Dispatcher } from 'undici';
import { connectionFault, statusFault } from './connection-fault.ts';
import { secured } from './secured.ts';
import type { ServiceLink } from './service-link.ts';

/** `clientConfig` of a webhook, whatever it is for. */
export interface WebhookTarget {
  readonly url?: string | undefined;
  readonly service?:
    | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port?: number | undefined }
    | undefined;
  /** PEM in base64; the system's authorities when empty. */
  readonly caBundle?: string | undefined;
}

/** No answer to a webhook comes near: an object of 3 MiB as a patch in base64 is 4. */
const maxAnswerBytes = 8 * 1024 * 1024;
const maxAgents = 128;
const defaultPort = 443;
const idleMs = 30_000;

/** The call itself failed: the message ends Kubernetes' `failed to call webhook: `. */
export class WebhookCallError extends Error {
  /** What it counts as in metrics. */
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WebhookCallError';
    this.code = code;
  }
}

/**
 * Calls webhooks over HTTPS, by URL or Service, and keeps connections to each for half a minute. Redirects are not
 * followed, answers are bounded, and every call has a deadline.
 */
export class WebhookClient {
  private readonly link: ServiceLink;
  private readonly clock: Clock;
  /** By where and whom to trust, least recently used first. */
  private readonly agents = new Map<string, Promise<Agent>>();

  constructor(link: ServiceLink, clock: Clock) {
    this.link = link;
    this.clock = clock;
  }

  /**
   * POSTs `body` as JSON and parses the answer. Throws `WebhookCallError` when there is no proper one within
   * `timeoutMs`, which is also told to the webhook.
   */
  async post(target: WebhookTarget, body: unknown, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    const url = urlOf(target);
    url.searchParams.set('timeout', `${Math.ceil(timeoutMs / 1000).toString()}s`);
    const deadline = new AbortController();
    const timer = this.clock.after(timeoutMs, () => deadline.abort(), { unref: true });
    const failed = (reason: string, cause: unknown): WebhookCallError =>
      new WebhookCallError(`Post ${JSON.stringify(url.href)}: ${reason}`, 503, { cause });
    try {
      const agent = await this.agentOf(target, url);
      const response = await agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, */*', 'user-agent': 'kube-apiserver-admission' },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      const text = await readAll(response);
      if (response.statusCode < 200 || response.statusCode > 206) {
        throw new WebhookCallError(statusFault(response.statusCode, text), response.statusCode);
      }
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new WebhookCallError(`couldn't get version/kind; json parse error: ${(error as Error).message}`, 503, { cause: error });
      }
    } catch (error) {
      if (error instanceof WebhookCallError) throw error;
      if (signal.aborted) throw failed('context canceled', error);
      if (deadline.signal.aborted) throw failed('context deadline exceeded', error);
      throw failed(connectionFault(error, url), error);
    } finally {
      timer.cancel();
    }
  }

  /** Closes every connection that is kept. */
  async close(): Promise<void> {
    const agents = [...this.agents.values()];
    this.agents.clear();
    await Promise.allSettled(agents.map(async (agent) => (await agent).destroy()));
  }

  private agentOf(target: WebhookTarget, url: URL): Promise<Agent> {
    const { service, caBundle = '' } = target;
    const key = `${service === undefined ? url.origin : `service ${url.host}`}\n${caBundle}`;
    const kept = this.agents.get(key);
    const agent = kept ?? this.createAgent(target, url);
    this.agents.delete(key);
    this.agents.set(key, agent);
    for (const [oldest, unused] of this.agents) {
      if (this.agents.size <= maxAgents) break;
      this.agents.delete(oldest);
      // It ends by itself once what runs over it has been answered.
      void unused.then((one) => one.close()).catch(() => undefined);
    }
    return agent;
  }

  private async createAgent({ service, caBundle }: WebhookTarget, url: URL): Promise<Agent> {
    const { Agent: UndiciAgent } = await import('undici');
    const ca = caBundle ? Buffer.from(caBundle, 'base64').toString('utf8') : undefined;
    const trust = ca === undefined ? {} : { ca };
    const limits = { keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs, maxResponseSize: maxAnswerBytes, pipelining: 1 };
    if (service === undefined) return new UndiciAgent({ ...limits, connect: { ...trust, timeout: idleMs } });
    const open = async (): Promise<Duplex> => {
      const endpoint = await this.link.endpointOf(service.namespace, service.name, service.port ?? defaultPort);
      return secured(await this.link.connect(endpoint), { servername: url.hostname, ...trust });
    };
    return new UndiciAgent({
      ...limits,
      connect: (_options, done) => {
        open().then(
          (socket) => done(null, socket as Parameters<typeof done>[1] & Duplex),
          (error: unknown) => done(error as Error, null),
        );
      },
    });
  }
}

/** Where a webhook is called; a Service by its name, which its certificate must carry. */
export function urlOf({ url, service }: WebhookTarget): URL {
  if (service === undefined) return new URL(url ?? '');
  const port = service.port ?? defaultPort;
  const called = new URL(`https://${service.name}.${service.namespace}.svc`);
  called.port = port.toString();
  called.pathname = service.path ?? '/';
  return called;
}

async function readAll(response: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
