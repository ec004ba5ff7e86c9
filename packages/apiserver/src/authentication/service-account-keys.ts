import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The key pair of ServiceAccount tokens, with the name that tokens give it. */
export interface ServiceAccountKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly keyId: string;
}

export function serviceAccountKeys(privateKeyPem: string): ServiceAccountKeys {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKeyPem);
  const keyId = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return { privateKey, publicKey, keyId };
}

/** The JSON Web Key Set that relying parties check tokens with. */
export function jwks(keys: ServiceAccountKeys): object {
  return { keys: [{ use: 'sig', ...keys.publicKey.export({ format: 'jwk' }), kid: keys.keyId, alg: 'ES256' }] };
}
