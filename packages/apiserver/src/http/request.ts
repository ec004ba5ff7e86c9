import type { Identity } from '../api-server.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export type HttpMethod = (typeof methods)[number];

/** What a transport hands in may be any token; HTTP has more methods than the API. */
export function isHttpMethod(text: string): text is HttpMethod {
  return (methods as readonly string[]).includes(text);
}

/** A request after its transport: HTTP/1.1, HTTP/2 and the loopback all come down to this. */
export interface ApiRequest {
  readonly method: HttpMethod;
  /** As in the URL, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path and query as they came; undefined for loopbacks. */
  readonly url?: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Reads the body once. Rejects with 413 past the limit. */
  /** The values of a header that came several times, one by one; undefined when the transport cannot tell. */
  headerValues?(name: string): readonly string[] | undefined;
  readonly body: RequestBody;
  /** Who the transport has already established: a verified client certificate, or a loopback's identity. */
  readonly peer: Peer;
  readonly remoteAddress: string;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** The time of the work is over: aborts the signal of whoever has it, while the answer can still be written. */
  expire?(reason: Error): void;
}

export type RequestBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; read(): Promise<Buffer> }
  /** A loopback's: belongs to the caller and is never changed. */
  | { readonly kind: 'object'; readonly value: unknown };

export type Peer =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'certificate';
      readonly commonName: string;
      readonly organizations: readonly string[];
      /** SHA-256 in hexadecimal. */
      readonly fingerprint: string;
      readonly notAfterMs: number;
    }
  /** Of the front proxies' CA: says by headers whom it asks for. */
  | { readonly kind: 'front-proxy'; readonly commonName: string; readonly notAfterMs: number }
  /** One was shown, but not of our CA, expired or not for clients. */
  | { readonly kind: 'untrusted-certificate' }
  | { readonly kind: 'loopback'; readonly identity: Identity };
