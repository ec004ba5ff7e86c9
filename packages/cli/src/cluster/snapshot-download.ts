import { snapshotPath } from '@bayplan/apiserver';
import { loadKubeconfig } from '@bayplan/client';
import { once } from 'node:events';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

/** The bytes of a snapshot that the running API server takes, as the administrator of `home`. */
export async function downloadSnapshot(home: Home, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const config = await loadKubeconfig(home.kubeconfig).catch((error: unknown) => {
    throw new UserError(`cannot read ${home.kubeconfig} (${(error as Error).message})`, 'wait until the cluster is ready');
  });
  const server = typeof config.server === 'string' ? config.server : config.server[0];
  const req = request(new URL(snapshotPath, server), {
    ca: config.caPem,
    cert: config.certPem,
    key: config.keyPem,
    signal,
    agent: false,
  }).end();
  let res: IncomingMessage;
  try {
    [res] = (await once(req, 'response')) as [IncomingMessage];
  } catch (error) {
    signal.throwIfAborted();
    throw new UserError(`the API server does not answer (${(error as Error).message})`, 'wait until the cluster is ready');
  }
  if (res.statusCode === 200) return res;
  res.resume();
  throw new UserError(
    `the API server refused to give a snapshot (status ${res.statusCode ?? 0})`,
    res.statusCode === 404 ? 'it is of an older version; restart it' : `${home.kubeconfig} must be of a cluster-admin`,
  );
}
