import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { EncryptionKey, EncryptionProvider } from './encryption-configuration.ts';

/** One key at work. `open` throws when the value is not what it sealed. */
export interface Cipher {
  /** Before values that this key sealed. */
  readonly prefix: Buffer;
  seal(key: string, value: Buffer): Buffer;
  open(key: string, body: Buffer): Buffer;
}

const ivBytes = 12;
const tagBytes = 16;
const blockBytes = 16;
const nonceBytes = 24;

/** The ciphers of a provider's keys, in order. `identity` has none. */
export async function ciphersOf(provider: EncryptionProvider): Promise<Cipher[]> {
  switch (provider.kind) {
    case 'identity':
      return [];
    case 'aesgcm':
      return provider.keys.map(aesGcm);
    case 'aescbc':
      return provider.keys.map(aesCbc);
    case 'secretbox': {
      const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
      return provider.keys.map(({ name, secret }) => ({
        prefix: prefixOf('secretbox', name),
        seal(_key, value) {
          const nonce = randomBytes(nonceBytes);
          return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(value)]);
        },
        open: (_key, body) => Buffer.from(xsalsa20poly1305(secret, body.subarray(0, nonceBytes)).decrypt(body.subarray(nonceBytes))),
      }));
    }
  }
}

function prefixOf(kind: string, name: string): Buffer {
  return Buffer.from(`k8s:enc:${kind}:v1:${name}:`);
}

/** The place of a value is authenticated with it, so that values cannot be swapped. */
function aesGcm({ name, secret }: EncryptionKey): Cipher {
  const algorithm = `aes-${(secret.length * 8).toString()}-gcm` as 'aes-256-gcm';
  return {
    prefix: prefixOf('aesgcm', name),
    seal(key, value) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv(algorithm, secret, iv);
      cipher.setAAD(Buffer.from(key));
      return Buffer.concat([iv, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(key, body) {
      const decipher = createDecipheriv(algorithm, secret, body.subarray(0, ivBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(key));
      decipher.setAuthTag(body.subarray(body.length - tagBytes));
      return Buffer.concat([decipher.update(body.subarray(ivBytes, body.length - tagBytes)), decipher.final()]);
    },
  };
}

function aesCbc({ name, secret }: EncryptionKey): Cipher {
  const algorithm = `aes-${(secret.length * 8).toString()}-cbc`;
  return {
    prefix: prefixOf('aescbc', name),
    seal(_key, value) {
      const iv = randomBytes(blockBytes);
      const cipher = createCipheriv(algorithm, secret, iv);
      return Buffer.concat([iv, cipher.update(value), cipher.final()]);
    },
    open(_key, body) {
      const decipher = createDecipheriv(algorithm, secret, body.subarray(0, blockBytes));
      return Buffer.concat([decipher.update(body.subarray(blockBytes)), decipher.final()]);
    },
  };
}
