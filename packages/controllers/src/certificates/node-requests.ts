import type { CertificateSigningRequest } from '@bayplan/api';
import { parseCertificateRequest } from '@bayplan/component-base';
import type { CertificateRequest, ParsedCertificateRequest } from '@bayplan/component-base';

export const clientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
export const servingSigner = 'kubernetes.io/kubelet-serving';
/** Client certificates of anyone: approved by people only. */
export const userSigner = 'kubernetes.io/kube-apiserver-client';
export const signers: ReadonlySet<string> = new Set([clientSigner, servingSigner, userSigner]);

const nodePrefix = 'system:node:';

/** A request for a certificate, checked against the rules of its signer. */
export interface NodeRequest {
  /** `''` when it is not for a node. */
  readonly nodeName: string;
  readonly parsed: ParsedCertificateRequest;
  readonly csrPem: string;
  readonly certificate: CertificateRequest;
}

/** Reads a request of one of `signers`. Answers with the reason when the signer's rules refuse it. */
export async function readNodeRequest(object: CertificateSigningRequest): Promise<NodeRequest | { readonly refused: string }> {
  const csrPem = Buffer.from(object.spec.request, 'base64').toString('utf8');
  let parsed: ParsedCertificateRequest;
  try {
    parsed = await parseCertificateRequest(csrPem);
  } catch (error) {
    return { refused: `the request cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
  const isServing = object.spec.signerName === servingSigner;
  const { commonName, organizations, dnsNames, ipAddresses } = parsed;
  const isNode = object.spec.signerName !== userSigner;
  const fault = isNode ? nodeFault(parsed, isServing) : undefined;
  if (fault !== undefined) return { refused: fault };
  const allowed = new Set(['digital signature', 'key encipherment', isServing ? 'server auth' : 'client auth']);
  const usages = object.spec.usages ?? [];
  if (usages.some((usage) => !allowed.has(usage)) || !usages.includes(isServing ? 'server auth' : 'client auth')) {
    return { refused: `the usages must be ${[...allowed].join(', ')}` };
  }
  const seconds = object.spec.expirationSeconds;
  const certificate: CertificateRequest = {
    commonName,
    organizations,
    dnsNames,
    ipAddresses,
    usages: [isServing ? 'server' : 'client'],
    ...(seconds === undefined ? {} : { validDays: Math.min(365, Math.max(600, seconds) / 86_400) }),
  };
  return { nodeName: isNode ? commonName.slice(nodePrefix.length) : '', parsed, csrPem, certificate };
}

/** Why a request is not one that a node may make. */
function nodeFault({ commonName, organizations, dnsNames, ipAddresses }: ParsedCertificateRequest, isServing: boolean): string | undefined {
  if (!commonName.startsWith(nodePrefix) || commonName.length === nodePrefix.length) return `the common name must begin with ${nodePrefix}`;
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes') return 'the organization must be system:nodes';
  const names = dnsNames.length + ipAddresses.length;
  if (isServing && names === 0) return 'a serving certificate needs a DNS name or an IP address';
  return !isServing && names > 0 ? 'a client certificate must not have names or addresses' : undefined;
}
