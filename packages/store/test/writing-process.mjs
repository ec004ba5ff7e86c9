// A process that writes as fast as it can and prints every acknowledged write, to be killed at any
// moment: node writing-process.mjs embedded DIRECTORY WRITERS | etcd ENDPOINT WRITERS
// Each writer owns one key and counts up in its value. Uses the built package: run the build first.
import { openEmbeddedStore, openEtcdStore } from '@bayplan/store';

const [backend, place, writers] = process.argv.slice(2);
const store =
  backend === 'embedded'
    ? await openEmbeddedStore({ directory: place })
    : await openEtcdStore({ endpoints: [place], prefix: '/kill', requestTimeoutMs: 2000 });

function value(key, count) {
  // From one page to many, so that a torn write would show.
  return Buffer.from(JSON.stringify({ key, count, padding: 'x'.repeat((count * 997) % 9000) }));
}

async function write(key) {
  const { item } = await store.get(key);
  let revision = item?.revision;
  let count = item === undefined ? 0 : JSON.parse(item.value.toString()).count;
  for (;;) {
    count += 1;
    revision = revision === undefined ? await store.create(key, value(key, count)) : await store.update(key, value(key, count), revision);
    process.stdout.write(`ack ${key} ${count} ${revision}\n`);
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, index) => write(`/writer/${index}`))).catch(() => process.exit(3));
