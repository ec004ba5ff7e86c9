import { createCertificateAuthority, systemClock } from '@bayplan/component-base';
import type { Clock, KeyPair } from '@bayplan/component-base';
import { isStoreError } from '@bayplan/store';
import type { Store } from '@bayplan/store';
import { createCipheriv, createDecipheriv, generateKeyPair, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { ClusterKeys } from './cluster-keys.ts';

/** Where the sealed keys are in the store. */
export const clusterKeysKey = '/cluster/keys';
const derive = promisify(scrypt) as (secret: string, salt: Buffer, length: number) => Promise<Buffer>;
const newKeyPair = promisify(generateKeyPair);

/** What the store holds: everything but the salt is encrypted under the bootstrap secret. */
interface Envelope {
  readonly version: 1;
  readonly salt: string;
  readonly iv: string;
  readonly tag: string;
  readonly sealed: string;
}

interface SealedKeys {
  readonly ca: KeyPair;
  readonly frontProxyCa: KeyPair;
  readonly serviceAccountKeyPem: string;
  readonly encryptionKey: string;
}

/**
 * The cluster's keys from the store, created if this is the first server. Several servers may start at
 * once: one of them wins and the others read its keys. Rejects when `bootstrapSecret` is not the one
 * that the keys were sealed with.
 */
export async function loadOrCreateClusterKeys(store: Store, bootstrapSecret: string, clock: Clock = systemClock): Promise<ClusterKeys> {
  const found = (await store.get(clusterKeysKey)).item;
  if (found !== undefined) return open(found.value, bootstrapSecret);
  const keys = await createKeys(clock);
  try {
    await store.create(clusterKeysKey, await seal(keys, bootstrapSecret));
    return revive(keys);
  } catch (error) {
    if (!isStoreError(error, 'exists')) throw error;
    const winner = (await store.get(clusterKeysKey)).item;
    if (winner === undefined) throw error;
    return open(winner.value, bootstrapSecret);
  }
}

/** Whether the value at `clusterKeysKey` was sealed with `bootstrapSecret`. */
export async function opensClusterKeys(value: Buffer, bootstrapSecret: string): Promise<boolean> {
  return open(value, bootstrapSecret).then(
    () => true,
    () => false,
  );
}

async function createKeys(clock: Clock): Promise<SealedKeys> {
  const signing = await newKeyPair('ec', { namedCurve: 'P-256' });
  return {
    ca: await createCertificateAuthority('kubernetes', clock.now()),
    frontProxyCa: await createCertificateAuthority('kubernetes-front-proxy', clock.now()),
    serviceAccountKeyPem: signing.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    encryptionKey: randomBytes(32).toString('base64'),
  };
}

async function seal(keys: SealedKeys, secret: string): Promise<Buffer> {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await derive(secret, salt, 32), iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(keys), 'utf8'), cipher.final()]);
  const envelope: Envelope = {
    version: 1,
    salt: salt.toString('base64'),
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    sealed: sealed.toString('base64'),
  };
  return Buffer.from(JSON.stringify(envelope));
}

async function open(value: Buffer, secret: string): Promise<ClusterKeys> {
  const envelope = JSON.parse(value.toString('utf8')) as Envelope;
  const key = await derive(secret, Buffer.from(envelope.salt, 'base64'), 32);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(envelope.iv, 'base64'));
  decipher.setAuthTag(Buffer.from(envelope.tag, 'base64'));
  try {
    const plain = Buffer.concat([decipher.update(Buffer.from(envelope.sealed, 'base64')), decipher.final()]);
    return revive(JSON.parse(plain.toString('utf8')) as SealedKeys);
  } catch (cause) {
    throw new Error('the bootstrap secret does not open the keys of this cluster', { cause });
  }
}

function revive(keys: SealedKeys): ClusterKeys {
  return { ...keys, encryptionKey: Buffer.from(keys.encryptionKey, 'base64') };
}
