const unknownAuthority = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';

/** What clients of Kubernetes know these failures as. */
const certificateFaults: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
};

const socketFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
  UND_ERR_CONNECT_TIMEOUT: 'i/o timeout',
};

/** Why a connection failed, in the words that Kubernetes' clients and users search for. */
export function connectionFault(error: unknown, url: URL): string {
  const causes = causesOf(error);
  for (const { code = '', message, address, port } of causes) {
    const certificate = certificateFaults[code];
    if (certificate !== undefined) return certificate;
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
      return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}: ${message}`;
    }
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${url.hostname}: no such host`;
    const socket = socketFaults[code];
    if (socket !== undefined) {
      const host = address ?? url.hostname;
      return `dial tcp ${host}:${(port ?? (url.port === '' ? 443 : url.port)).toString()}: ${socket}`;
    }
    if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'EOF';
    if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'http: response body too large';
  }
  return causes[0]?.message ?? String(error);
}

interface Cause {
  readonly code?: string;
  readonly message: string;
  readonly address?: string;
  readonly port?: number;
}

/** The error, what caused it, and the members of those that carry several. */
function causesOf(error: unknown): Cause[] {
  if (!(error instanceof Error)) return [];
  const members = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [error as Cause, ...members.flatMap(causesOf), ...causesOf(error.cause)];
}

/** What an answer means that is not a success. */
export function statusFault(code: number, text: string): string {
  const said = text.trim().slice(0, 2048);
  switch (code) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
      return said === '' ? 'forbidden' : `forbidden: ${said}`;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 413:
      return 'Request entity too large: limit is 3145728';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
    default:
      if (code >= 500) return `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`;
      return `the server responded with the status code ${code.toString()} but did not return more information`;
  }
}
