import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedStore } from '../src/index.ts';
import type { EmbeddedStoreOptions } from '../src/index.ts';
import type { StoreSubject } from '../src/testing/index.ts';

/** An embedded store in a temporary folder. */
export async function openEmbeddedSubject(
  options: Omit<EmbeddedStoreOptions, 'directory'> = {},
): Promise<StoreSubject & { readonly directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bayplan-store-'));
  let store = await openEmbeddedStore({ ...options, directory });
  return {
    directory,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openEmbeddedStore({ ...options, directory });
      return store;
    },
    async dispose() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
