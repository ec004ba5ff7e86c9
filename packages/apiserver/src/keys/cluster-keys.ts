import type { KeyPair } from '@bayplan/component-base';

/** The keys that every server of a cluster shares. */
export interface ClusterKeys {
  /** Signs every client and serving certificate of the cluster. */
  readonly ca: KeyPair;
  /** Signs the certificate with which the aggregator calls extension API servers. */
  readonly frontProxyCa: KeyPair;
  /** PKCS #8 PEM, ECDSA P-256: signs ServiceAccount tokens (ES256). */
  readonly serviceAccountKeyPem: string;
  /** 32 bytes: encrypts Secrets at rest. */
  readonly encryptionKey: Buffer;
}
