import type { Secret } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

/** Secrets: `stringData` is a way of writing `data`, and is never read back. */
export const secretStrategy: Strategy = {
  fields: (object) => ({ type: (object as Secret).type ?? '' }),
  normalize(object) {
    const secret = object as Secret;
    if (!secret.stringData) return;
    const data = { ...secret.data };
    for (const [key, text] of Object.entries(secret.stringData)) data[key] = Buffer.from(text, 'utf8').toString('base64');
    secret.data = data;
    delete secret.stringData;
  },
};
