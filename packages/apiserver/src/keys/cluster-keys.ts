/** The keys that every server of a cluster shares. PEM strings unless said otherwise. */
export interface ClusterKeys {
  readonly ca: KeyPair;
  /** Signs the certificate with which the aggregator calls extension API servers. */
  readonly frontProxyCa: KeyPair;
  /** Signs ServiceAccount tokens (ECDSA P-256, ES256). */
  readonly serviceAccount: { readonly privateKey: string; readonly publicKey: string };
  /** 32 bytes: encrypts Secrets at rest. */
  readonly encryptionKey: Buffer;
}

export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}
