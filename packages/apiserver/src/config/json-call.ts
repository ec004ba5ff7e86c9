import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { WebhookEndpoint } from './kubeconfig-endpoint.ts';

const maxAnswerBytes = 3 * 1024 * 1024;
const maxSockets = 64;

/** An answer with a status that is no success, or none at all (`status` 0). */
export class CallError extends Error {
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CallError';
    this.status = status;
  }
}

export type CallTarget = Omit<WebhookEndpoint, 'headers' | 'url'> & { readonly headers?: WebhookEndpoint['headers'] };

/** Calls one server outside the cluster's own: connections are kept, answers bounded, every call has a deadline. */
export class JsonCaller {
  private readonly target: CallTarget;
  private readonly secure: Agent;
  private readonly plain: HttpAgent;

  constructor(target: CallTarget) {
    this.target = target;
    const { ca, cert, key, serverName, insecure } = target;
    this.secure = new Agent({
      keepAlive: true,
      maxSockets,
      rejectUnauthorized: !insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    this.plain = new HttpAgent({ keepAlive: true, maxSockets });
  }

  get(url: URL, timeoutMs: number): Promise<unknown> {
    return this.call('GET', url, undefined, timeoutMs);
  }

  post(url: URL, body: unknown, timeoutMs: number): Promise<unknown> {
    return this.call('POST', url, Buffer.from(JSON.stringify(body)), timeoutMs);
  }

  /** Like `post`, whatever the answer says. */
  async send(url: URL, body: unknown, timeoutMs: number): Promise<void> {
    await this.exchange('POST', url, Buffer.from(JSON.stringify(body)), timeoutMs);
  }

  close(): void {
    this.secure.destroy();
    this.plain.destroy();
  }

  private async call(method: string, url: URL, body: Buffer | undefined, timeoutMs: number): Promise<unknown> {
    const text = await this.exchange(method, url, body, timeoutMs);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new CallError(`${method} ${url.href}: the answer is not JSON`, 200, { cause });
    }
  }

  private async exchange(method: string, url: URL, body: Buffer | undefined, timeoutMs: number): Promise<string> {
    const response = await this.open(method, url, body, AbortSignal.timeout(timeoutMs)).catch((cause: unknown) => {
      throw new CallError(`${method} ${url.href}: ${reasonOf(cause, timeoutMs)}`, 0, { cause });
    });
    const text = await textOf(response, url);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new CallError(`${method} ${url.href}: ${status.toString()}: ${text.slice(0, 200)}`, status);
    return text;
  }

  private open(method: string, url: URL, body: Buffer | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:';
      const options = {
        method,
        agent: isSecure ? this.secure : this.plain,
        signal,
        headers: {
          accept: 'application/json',
          'user-agent': 'kube-apiserver',
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
          ...this.target.headers,
        },
      };
      const request = isSecure ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve);
      request.on('error', reject);
      request.end(body);
    });
  }
}

async function textOf(response: IncomingMessage, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) {
      response.destroy();
      throw new CallError(`${url.href}: the answer is larger than ${maxAnswerBytes.toString()} bytes`, response.statusCode ?? 0);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(cause: unknown, timeoutMs: number): string {
  if (cause instanceof Error && cause.name === 'AbortError') return `no answer within ${timeoutMs.toString()} ms`;
  const { code, message } = cause as NodeJS.ErrnoException;
  return message === '' ? (code ?? 'failed') : message;
}
