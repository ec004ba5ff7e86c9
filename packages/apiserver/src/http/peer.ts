import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Peer } from './request.ts';

/** What is known of a connection for as long as it lasts. */
export interface Connection {
  readonly peer: Peer;
  readonly remoteAddress: string;
}

const known = new WeakMap<object, Connection>();
const nobody: Peer = { kind: 'anonymous' };

/**
 * What TLS has established about the other side; kept for the life of the connection. `key` stands for it:
 * the session of HTTP/2, whose requests each hand out a proxy of the socket that is dear to ask, or the
 * socket of HTTP/1.1.
 */
export function connectionOf(key: object, socketOf: () => TLSSocket, frontProxyCa?: X509Certificate): Connection {
  const kept = known.get(key);
  if (kept !== undefined) return kept;
  const socket = socketOf();
  const certificate = socket.getPeerX509Certificate?.();
  const peer = certificate === undefined ? nobody : describe(certificate, socket.authorized, frontProxyCa);
  const connection = { peer, remoteAddress: socket.remoteAddress ?? '' };
  known.set(key, connection);
  return connection;
}

function describe(certificate: X509Certificate, trusted: boolean, frontProxyCa: X509Certificate | undefined): Peer {
  if (!trusted || !isForClients(certificate)) return { kind: 'untrusted-certificate' };
  const isFrontProxy = frontProxyCa !== undefined && certificate.checkIssued(frontProxyCa) && certificate.verify(frontProxyCa.publicKey);
  const subject = certificate.subject.split('\n').map((line) => {
    const equals = line.indexOf('=');
    return { type: line.slice(0, equals), value: line.slice(equals + 1).replace(/\\(.)/g, '$1') };
  });
  return {
    // What that authority has signed speaks for others and is nobody by itself.
    kind: isFrontProxy ? 'front-proxy' : 'certificate',
    commonName: subject.find((part) => part.type === 'CN')?.value ?? '',
    organizations: subject.filter((part) => part.type === 'O').map((part) => part.value),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

const clientAuthOid = '1.3.6.1.5.5.7.3.2';
const anyPurposeOid = '2.5.29.37.0';

function isForClients(certificate: X509Certificate): boolean {
  const usages = certificate.keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.includes(clientAuthOid) || usages.includes(anyPurposeOid);
}
