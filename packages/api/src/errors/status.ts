/** Why a request failed, as clients test it. Never test messages. */
export type StatusReason =
  | ''
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'Gone'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServerTimeout'
  | 'ServiceUnavailable'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType';

/** One fault among several: a field for validation, a manager for an apply conflict. */
export interface FailureCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface FailureDetails {
  name?: string;
  group?: string;
  /** The resource's plural, or the kind where only the kind is known (`Invalid`). */
  kind?: string;
  uid?: string;
  causes?: FailureCause[];
  retryAfterSeconds?: number;
}

/** The `Status` object of the Kubernetes API for a failure, in the field order that API servers write. */
export interface FailureStatus {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  status: 'Failure';
  message: string;
  reason?: StatusReason;
  details?: FailureDetails;
  /** The HTTP status code. */
  code: number;
}

/**
 * A failure that crosses the API: an `Error` that carries the `Status` to answer with. The status
 * belongs to the error; nobody changes it after construction.
 */
export class StatusError extends Error {
  readonly status: FailureStatus;

  constructor(status: FailureStatus, options?: ErrorOptions) {
    super(status.message, options);
    this.name = 'StatusError';
    this.status = status;
  }
}

/** Builds a `StatusError` from its parts; empty reason and details are left out, as on the wire. */
export function statusError(
  code: number,
  reason: StatusReason,
  message: string,
  details?: FailureDetails,
  options?: ErrorOptions,
): StatusError {
  const status: FailureStatus = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
  return new StatusError(status, options);
}
