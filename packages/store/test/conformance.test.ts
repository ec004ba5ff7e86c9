import { describe, it } from 'vitest';
import { conformanceCases, openMemoryStore } from '../src/testing/index.ts';
import type { OpenSubject } from '../src/testing/index.ts';
import { openEmbeddedSubject } from './embedded-subject.ts';

const subjects: Record<string, OpenSubject> = {
  memory: () => {
    const store = openMemoryStore();
    return Promise.resolve({ store, dispose: () => store.close() });
  },
  embedded: () => openEmbeddedSubject(),
};

for (const [name, open] of Object.entries(subjects)) {
  describe(`the ${name} store`, () => {
    it.each(conformanceCases)('$name', { timeout: 20_000 }, async ({ run }) => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  });
}
