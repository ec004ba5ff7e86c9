import { isUnauthorized, resources } from '@bayplan/api';
import type { CertificateSigningRequest } from '@bayplan/api';
import { createClient, createRestTransport } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createCertificateRequest } from '@bayplan/component-base';
import type { KeyPair } from '@bayplan/component-base';
import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { caHashOf } from '../commands/token.ts';
import type { JoinToken } from '../commands/token.ts';
import { UserError } from '../user-error.ts';
import type { NodeCredentials } from './node-credentials.ts';

export interface JoinOptions {
  readonly servers: readonly string[];
  readonly token: JoinToken;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly signal: AbortSignal;
}

const signingDeadlineMs = 60_000;

/**
 * Makes this machine a node: finds the cluster's CA by the hash in the token, has a client certificate
 * signed with the bootstrap token, then a serving certificate with that client certificate.
 */
export async function joinCluster(options: JoinOptions): Promise<NodeCredentials> {
  const { servers, token, nodeName, nodeIp, signal } = options;
  const caPem = await trustedCa(servers, token.caHash);
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  const asToken = createRestTransport({ server: servers, caPem, token: `${token.id}.${token.secret}`, userAgent: 'bayplan-agent' });
  try {
    const client = await signedPair(
      createClient(asToken),
      'kubernetes.io/kube-apiserver-client-kubelet',
      ['digital signature', 'client auth'],
      subject,
      signal,
    );
    const asNode = createRestTransport({
      server: servers,
      caPem,
      certPem: client.certPem,
      keyPem: client.keyPem,
      userAgent: 'bayplan-agent',
    });
    try {
      const names = { ...subject, dnsNames: [nodeName], ipAddresses: [nodeIp] };
      const serving = await signedPair(
        createClient(asNode),
        'kubernetes.io/kubelet-serving',
        ['digital signature', 'server auth'],
        names,
        signal,
      );
      return { caPem, client, serving };
    } finally {
      await asNode.close();
    }
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    throw new UserError('the cluster does not know this token, or it has expired', 'make a new one with `bayplan token create`');
  } finally {
    await asToken.close();
  }
}

/** The CA among the certificates that a server shows, told by its hash; nothing else the server says is believed before. */
async function trustedCa(servers: readonly string[], caHash: string): Promise<string> {
  const faults: string[] = [];
  for (const server of servers) {
    const chain = await shownCertificates(new URL(server)).catch((error: unknown) => {
      faults.push(`${server}: ${(error as Error).message}`);
      return [];
    });
    const found = chain.find((pem) => caHashOf(pem) === caHash);
    if (found !== undefined) return found;
    if (chain.length > 0) faults.push(`${server} belongs to another cluster than the token`);
  }
  throw new UserError(`cannot join (${faults.join('; ')})`, 'check --server, and make a new token with `bayplan token create`');
}

function shownCertificates(url: URL): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port || 443), rejectUnauthorized: false, timeout: 10_000 }, () => {
      const found: string[] = [];
      let certificate = socket.getPeerX509Certificate();
      while (certificate !== undefined) {
        found.push(certificate.toString());
        const issuer: X509Certificate | undefined = certificate.issuerCertificate;
        certificate = issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256 ? undefined : issuer;
      }
      socket.destroy();
      resolve(found);
    });
    socket.once('timeout', () => socket.destroy(new Error('timed out')));
    socket.once('error', reject);
  });
}

interface Names {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

async function signedPair(client: Client, signerName: string, usages: string[], names: Names, signal: AbortSignal): Promise<KeyPair> {
  const { csrPem, keyPem } = await createCertificateRequest(names);
  const request: CertificateSigningRequest = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'node-csr-' },
    spec: { request: Buffer.from(csrPem).toString('base64'), signerName, usages },
  };
  const { metadata } = await client.create(resources.certificateSigningRequests, request, { signal });
  const endMs = performance.now() + signingDeadlineMs;
  for (;;) {
    const { status } = await client.get(resources.certificateSigningRequests, { name: metadata.name ?? '' }, { signal });
    if (status?.certificate) return { certPem: Buffer.from(status.certificate, 'base64').toString(), keyPem };
    const denied = status?.conditions?.find((condition) => condition.type === 'Denied' || condition.type === 'Failed');
    if (denied)
      throw new UserError(
        `the cluster refused a certificate for ${names.commonName} (${denied.message ?? denied.reason ?? ''})`,
        'ask who runs the cluster',
      );
    if (performance.now() > endMs)
      throw new UserError(
        `no certificate for ${names.commonName} within ${signingDeadlineMs / 1000} s`,
        'check that the controllers run on the server',
      );
    await sleep(250, undefined, { signal });
  }
}
