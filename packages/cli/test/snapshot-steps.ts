import { loadOrCreateClusterKeys } from '@bayplan/apiserver';
import { openEmbeddedStore } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RestoreOptions } from '../src/commands/snapshot-restore.ts';
import { homeAt } from '../src/home.ts';
import type { Home } from '../src/home.ts';

export const objectCount = 300;
const keyOf = (index: number): string => `/registry/core/configmaps/default/c${String(index).padStart(4, '0')}`;

export const newFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'bayplan-snapshot-'));

/** A home with nothing but a bootstrap secret. */
export async function homeWithSecret(dir: string, secret = 'opens the keys'): Promise<Home> {
  const home = homeAt(dir);
  await mkdir(home.pki, { recursive: true });
  await writeFile(home.bootstrapSecret, `${secret}\n`);
  return home;
}

/** Puts the keys of a cluster and some objects into a store. */
export async function fillStore(store: Store): Promise<void> {
  await loadOrCreateClusterKeys(store, 'opens the keys');
  for (let index = 0; index < objectCount; index += 1) await store.create(keyOf(index), Buffer.from(`{"index":${String(index)}}`));
}

export async function embeddedAt<T>(home: Home, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openEmbeddedStore({ directory: home.store });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

export async function contentsOf(store: Store): Promise<[string, string][]> {
  const { items } = await store.list({ prefix: '' });
  return items.map(({ key, value }) => [key, value.toString('base64')]);
}

/** What both commands take, with progress that says nothing. */
export function optionsFor(home: Home, file: string): RestoreOptions {
  const silent = (): void => undefined;
  return {
    home,
    file,
    progress: { step: silent, note: silent, done: silent },
    signal: new AbortController().signal,
    force: false,
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  };
}
