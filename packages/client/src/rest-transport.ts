/** How to reach an API server over HTTPS, and as whom. */
export interface RestTransportOptions {
  /** `https://host:port`, one or several; the next is tried when one does not answer. */
  readonly server: string | readonly string[];
  /** The authority that signed the server's certificate; the system's when absent. */
  readonly caPem?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  /** Name to expect in the server's certificate when it is not the URL's host. */
  readonly tlsServerName?: string | undefined;
  readonly certPem?: string | undefined;
  readonly keyPem?: string | undefined;
  readonly token?: string | undefined;
  /** Read again every minute, so a rotated token is picked up. */
  readonly tokenFile?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Deadline of calls other than watches. Default 60,000. */
  readonly timeoutMs?: number | undefined;
}
