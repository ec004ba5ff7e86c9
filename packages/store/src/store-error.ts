/** Why a store operation did not succeed. A closed set: callers switch over it exhaustively. */
export type StoreErrorReason =
  'not-found' | 'exists' | 'conflict' | 'compacted' | 'too-large' | 'invalid' | 'corrupt' | 'full' | 'unreachable' | 'timeout' | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly reason: StoreErrorReason;
  readonly key: string | undefined;

  constructor(reason: StoreErrorReason, message: string, options: { readonly key?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.key = options.key;
  }
}

/** True when `error` is a `StoreError`, of `reason` if one is given. */
export function isStoreError(error: unknown, reason?: StoreErrorReason): error is StoreError {
  return error instanceof StoreError && (reason === undefined || error.reason === reason);
}
