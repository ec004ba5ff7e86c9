import type { Container, HTTPGetAction } from '@bayplan/api';
import http from 'node:http';
import https from 'node:https';

export interface HttpOutcome {
  readonly ok: boolean;
  /** Why it failed, or a part of the body. */
  readonly output: string;
}

const mostBodyBytes = 10 * 1024;

/** The number of a port that a container may have given by name. */
export function portNumber(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find((one) => one.name === port)?.containerPort;
  const value = named ?? Number(port);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
  return value;
}

/** Where a GET goes: the pod's own address unless the action names a host. */
export function httpTarget(
  action: HTTPGetAction,
  container: Container,
  podIp: string,
): { readonly url: string; readonly host: string; readonly port: number } {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const host = action.host || podIp;
  const port = portNumber(action.port, container);
  const path = action.path === undefined || action.path === '' ? '/' : action.path.startsWith('/') ? action.path : `/${action.path}`;
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port)}${path}`, host, port };
}

/**
 * GETs what a probe or hook asks for. Success is a status from 200 to 399; certificates are not
 * checked. Never rejects, except when aborted.
 */
export function httpGet(
  action: HTTPGetAction,
  container: Container,
  podIp: string,
  timeoutMs: number,
  userAgent: string,
  signal: AbortSignal,
): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    let target: ReturnType<typeof httpTarget>;
    try {
      target = httpTarget(action, container, podIp);
    } catch (error) {
      resolve({ ok: false, output: error instanceof Error ? error.message : String(error) });
      return;
    }
    const headers: Record<string, string | string[]> = { 'user-agent': userAgent, accept: '*/*', connection: 'close' };
    for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
    const failed = (problem: string): void => resolve({ ok: false, output: `Get "${target.url}": ${problem}` });
    const settings = { method: 'GET', headers, agent: false, signal, rejectUnauthorized: false } as const;
    const request = target.url.startsWith('https:') ? https.request(target.url, settings) : http.request(target.url, settings);
    const deadline = setTimeout(
      () => request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
      timeoutMs,
    );
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        clearTimeout(deadline);
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 400) resolve({ ok: true, output: Buffer.concat(chunks).toString() });
        else resolve({ ok: false, output: `HTTP probe failed with statuscode: ${String(status)}` });
      };
      response.on('data', (chunk: Buffer) => {
        if (size < mostBodyBytes) chunks.push(chunk);
        size += chunk.length;
        if (size >= mostBodyBytes) {
          finish();
          request.destroy();
        }
      });
      response.on('end', finish);
      response.on('error', (error) => failed(error.message));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(deadline);
      failed(describeNetworkError(error, target.host, target.port));
    });
    request.end();
  });
}

/** The words that users of Kubernetes search for. */
export function describeNetworkError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  };
  const reason = error.code === undefined ? undefined : reasons[error.code];
  if (reason !== undefined) return `dial tcp ${host}:${String(port)}: connect: ${reason}`;
  return error.code === 'ECONNRESET' ? 'EOF' : error.message;
}
