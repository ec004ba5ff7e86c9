import { StoreError } from '@bayplan/store';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Sealing } from '../registry/resource-storage.ts';

const mark = Buffer.from('bayplan:aesgcm:v1:');
const ivBytes = 12;
const tagBytes = 16;

/** Whether a value was sealed with the cluster's own key. */
export function isSealedByCluster(value: Buffer): boolean {
  return value.subarray(0, mark.length).equals(mark);
}

/**
 * AES-256-GCM with the cluster's encryption key; the store's key is authenticated with the value.
 * Values without the mark are read as they are, so that a snapshot from before can be.
 */
export function secretSealing(encryptionKey: Buffer): Sealing {
  return {
    seal(key, value) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', encryptionKey, iv);
      cipher.setAAD(Buffer.from(key));
      const body = Buffer.concat([cipher.update(value), cipher.final()]);
      return Buffer.concat([mark, iv, cipher.getAuthTag(), body]);
    },
    isStale: (value) => !isSealedByCluster(value),
    open(key, value) {
      if (!isSealedByCluster(value)) return value;
      const iv = value.subarray(mark.length, mark.length + ivBytes);
      const tag = value.subarray(mark.length + ivBytes, mark.length + ivBytes + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', encryptionKey, iv, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(key));
      decipher.setAuthTag(tag);
      try {
        return Buffer.concat([decipher.update(value.subarray(mark.length + ivBytes + tagBytes)), decipher.final()]);
      } catch (cause) {
        throw new StoreError('corrupt', 'a sealed value does not open', { key, cause });
      }
    },
  };
}
