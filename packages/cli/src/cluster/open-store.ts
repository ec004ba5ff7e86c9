import { systemClock } from '@bayplan/component-base';
import type { Logger } from '@bayplan/component-base';
import { isStoreError, openEmbeddedStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { readFile } from 'node:fs/promises';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

export interface EtcdFlags {
  readonly endpoints: readonly string[];
  readonly prefix?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

export interface StoreOptions {
  readonly home: Home;
  /** The embedded store of `home` when absent. */
  readonly etcd?: EtcdFlags | undefined;
  readonly logger: Logger;
}

/** The store that the flags name. Rejects with a `StoreError`, or a `UserError` for flags that do not go together. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { etcd, home, logger } = options;
  const shared = { logger: logger.with({ component: 'store' }), clock: systemClock };
  if (etcd === undefined) return openEmbeddedStore({ ...shared, directory: home.store });
  const { prefix, user } = etcd;
  const [ca, certificate, key, password] = await Promise.all([
    readFlagFile(etcd.caFile, '--etcd-cafile'),
    readFlagFile(etcd.certFile, '--etcd-certfile'),
    readFlagFile(etcd.keyFile, '--etcd-keyfile'),
    readFlagFile(etcd.passwordFile, '--etcd-password-file'),
  ]);
  if ((certificate === undefined) !== (key === undefined))
    throw new UserError('only one of --etcd-certfile and --etcd-keyfile was given', 'give both', 2);
  if (certificate !== undefined && ca === undefined)
    throw new UserError('--etcd-certfile was given without --etcd-cafile', 'name the CA of the etcd servers', 2);
  if ((user === undefined) !== (password === undefined))
    throw new UserError('only one of --etcd-user and --etcd-password-file was given', 'give both', 2);
  const { openEtcdStore } = await import('@bayplan/store');
  return openEtcdStore({
    endpoints: etcd.endpoints,
    ...(prefix === undefined ? {} : { prefix }),
    ...(ca === undefined ? {} : { tls: { ca, ...(certificate && key ? { certificate, key } : {}) } }),
    ...(user === undefined || password === undefined ? {} : { user: { name: user, password: password.toString().trim() } }),
  });
}

/** What a person can do about a store that would not open. */
export function storeFault(error: unknown): unknown {
  if (!isStoreError(error)) return error;
  if (error.reason === 'corrupt')
    return new UserError(`the store is damaged (${error.message})`, 'restore a snapshot, or remove it with `npm run down -- --purge`');
  if (error.reason === 'unreachable' || error.reason === 'timeout')
    return new UserError(`etcd does not answer (${error.message})`, 'check --etcd-endpoints and that etcd runs');
  return new UserError(`the store cannot be opened (${error.message})`, 'check that no other cluster uses it, and the flags that name it');
}

async function readFlagFile(file: string | undefined, flag: string): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  return readFile(file).catch((error: unknown) => {
    throw new UserError(`cannot read ${file} (${(error as Error).message})`, `give ${flag} a readable file`);
  });
}
