import type * as X509 from '@peculiar/x509';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';

/** Loaded on first use: a process that only presents certificates never pays for the library's memory. */
let library: Promise<typeof X509> | undefined;

function x509Library(): Promise<typeof X509> {
  library ??= import('reflect-metadata').then(async () => {
    const x509 = await import('@peculiar/x509');
    x509.cryptoProvider.set(webcrypto);
    return x509;
  });
  return library;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;

/** A certificate with its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** `O` attributes: Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  /** Default one year; never longer than the CA. */
  readonly validDays?: number;
}

/** Creates a self-signed CA, ECDSA P-256, valid ten years from five minutes before `nowMs`. */
export async function createCertificateAuthority(commonName: string, nowMs: number): Promise<KeyPair> {
  const x509 = await x509Library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: distinguishedName(x509, commonName, []),
    notBefore: new Date(nowMs - 5 * 60_000),
    notAfter: new Date(nowMs + 3650 * dayMs),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** Issues a certificate with a fresh key, signed by `ca`. */
export async function issueCertificate(ca: KeyPair, request: CertificateRequest, nowMs: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await sign(ca, request, keys.publicKey, nowMs);
  return { certPem: certificate, keyPem: await exportKey(keys.privateKey) };
}

/**
 * Signs the public key of a PKCS #10 request. Subject, names and usages come from `request`, so the
 * caller decides which parts of the CSR it trusts. Throws when the CSR's own signature is wrong.
 */
export async function signCertificateRequest(ca: KeyPair, csrPem: string, request: CertificateRequest, nowMs: number): Promise<string> {
  const x509 = await x509Library();
  const csr = new x509.Pkcs10CertificateRequest(csrPem);
  if (!(await csr.verify())) throw new Error('the signature of the certificate request is wrong');
  return sign(ca, request, await csr.publicKey.export(), nowMs);
}

/** What a PKCS #10 request asks for. */
export interface ParsedCertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** Reads a PEM certificate request. Throws when it is not one. */
export async function parseCertificateRequest(csrPem: string): Promise<ParsedCertificateRequest> {
  const x509 = await x509Library();
  const csr = new x509.Pkcs10CertificateRequest(csrPem);
  const names = csr.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    commonName: csr.subjectName.getField('CN')[0] ?? '',
    organizations: csr.subjectName.getField('O'),
    dnsNames: names.filter((name) => name.type === 'dns').map((name) => name.value),
    ipAddresses: names.filter((name) => name.type === 'ip').map((name) => name.value),
  };
}

/** Creates a key and a certificate request for it. */
export async function createCertificateRequest(
  request: Omit<CertificateRequest, 'usages' | 'validDays'>,
): Promise<{ csrPem: string; keyPem: string }> {
  const x509 = await x509Library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: distinguishedName(x509, request.commonName, request.organizations ?? []),
    keys: keys,
    signingAlgorithm: algorithm,
    extensions: alternativeNames(x509, request),
  });
  return { csrPem: `${csr.toString('pem')}\n`, keyPem: await exportKey(keys.privateKey) };
}

async function sign(ca: KeyPair, request: CertificateRequest, publicKey: webcrypto.CryptoKey, nowMs: number): Promise<string> {
  const x509 = await x509Library();
  const issuer = new x509.X509Certificate(ca.certPem);
  const der = createPrivateKey(ca.keyPem).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const endMs = Math.min(nowMs + (request.validDays ?? 365) * dayMs, issuer.notAfter.getTime());
  const extendedUsages = request.usages.map((usage) =>
    usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
  );
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: issuer.subject,
    subject: distinguishedName(x509, request.commonName, request.organizations ?? []),
    notBefore: new Date(nowMs - 5 * 60_000),
    notAfter: new Date(endMs),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(extendedUsages),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...alternativeNames(x509, request),
    ],
  });
  return pem(certificate);
}

function alternativeNames(x509: typeof X509, request: Pick<CertificateRequest, 'dnsNames' | 'ipAddresses'>): X509.Extension[] {
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  return names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
}

function distinguishedName(x509: typeof X509, commonName: string, organizations: readonly string[]): string {
  return new x509.Name([...organizations.map((O) => ({ O: [O] })), { CN: [commonName] }]).toString();
}

/** 127 random bits: positive and never the same. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function pem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }).toString();
}
