/** One call of the Kubernetes API, before it is put on a wire. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** URL path without the query, such as `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Encoded as JSON on a wire; a loopback takes it as it is and does not change it. */
  readonly body?: unknown;
  /** Default `application/json`; for PATCH one of the four patch types. */
  readonly contentType?: string;
  /** What to ask for instead of `application/json`. A loopback ignores it. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** An event of a watch, already parsed. `ERROR` events are thrown as a `StatusError` instead. */
export interface RawWatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Shared between watchers of a loopback: never change it. */
  readonly object: unknown;
}

/**
 * How calls reach an API server under one identity. Two exist: REST over HTTPS (this package), and a
 * loopback into an API server of the same process (made by `apiserver`), which skips TLS and JSON but
 * runs the same chain. Failures throw `StatusError` from `@bayplan/api`, whatever the transport.
 */
export interface Transport {
  /** Resolves with the parsed body of a 2xx answer. Objects of a loopback are shared: never change them. */
  call(call: ApiCall): Promise<unknown>;
  /** Starts a watch (`watch=true` is added to the query). Ends when the server ends it or `signal` aborts. */
  watch(call: ApiCall): AsyncIterable<RawWatchEvent>;
  close(): Promise<void>;
}
