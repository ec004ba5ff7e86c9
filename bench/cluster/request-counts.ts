import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { loadKubeconfig } from '@bayplan/client';

/** Requests that the API server of the cluster in `home` has answered, by `VERB resource[/subresource]`. */
export type RequestCounts = ReadonlyMap<string, number>;

export async function requestCounts(home: string): Promise<RequestCounts> {
  const counts = new Map<string, number>();
  for (const line of (await metricsText(home)).split('\n')) {
    const match = /^apiserver_request_total\{(.*)\} (\d+)/.exec(line);
    if (match === null) continue;
    const labels = new Map([...(match[1] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
    const subresource = labels.get('subresource') ?? '';
    const key = `${labels.get('verb') ?? ''} ${labels.get('resource') ?? ''}${subresource === '' ? '' : `/${subresource}`}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(match[2]));
  }
  return counts;
}

const writing = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE', 'DELETECOLLECTION']);

/** Writes between two counts, the most frequent first. */
export function writesBetween(
  before: RequestCounts,
  after: RequestCounts,
): { readonly total: number; readonly byKind: readonly [string, number][] } {
  const byKind = [...after]
    .map(([key, count]): [string, number] => [key, count - (before.get(key) ?? 0)])
    .filter(([key, count]) => count > 0 && writing.has(key.split(' ')[0] ?? ''))
    .sort(([, a], [, b]) => b - a);
  return { total: byKind.reduce((sum, [, count]) => sum + count, 0), byKind };
}

async function metricsText(home: string): Promise<string> {
  const { server, caPem, certPem, keyPem } = await loadKubeconfig(path.join(home, 'kubeconfig'));
  const url = new URL('/metrics', typeof server === 'string' ? server : server[0]);
  return new Promise((resolve, reject) => {
    const call = request(url, { ca: caPem, cert: certPem, key: keyPem }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text));
      response.once('error', reject);
    });
    call.once('error', reject);
    call.end();
  });
}

/** Proportional memory of a process in KiB, shared pages divided among those that share them. */
export async function pssKib(pid: number): Promise<number> {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
}
