import type { FailureDetails, FailureStatus, StatusReason } from './status.ts';
import { StatusError } from './status.ts';

/** The failure that an error carries, searched along its causes; undefined when it carries none. */
export function statusOf(error: unknown): FailureStatus | undefined {
  let current = error;
  for (let depth = 0; depth < 16; depth++) {
    if (current instanceof StatusError) return current.status;
    if (!(current instanceof Error)) return undefined;
    // A duck: another copy of this package, or an error that crossed a thread.
    if ('status' in current && isFailureStatus(current.status)) return current.status;
    current = current.cause;
  }
  return undefined;
}

/** Whether a decoded body is a failure `Status`. */
export function isFailureStatus(value: unknown): value is FailureStatus {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'Status' &&
    'code' in value &&
    typeof value.code === 'number'
  );
}

/** The error's reason; empty when it carries no status. */
export function reasonOf(error: unknown): StatusReason {
  return statusOf(error)?.reason ?? '';
}

function hasReason(error: unknown, reason: StatusReason, code?: number): boolean {
  const status = statusOf(error);
  if (status === undefined) return false;
  if (status.reason !== undefined) return status.reason === reason;
  return code !== undefined && status.code === code;
}

export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound', 404);
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict', 409);
export const isInvalid = (error: unknown): boolean => hasReason(error, 'Invalid', 422);
export const isBadRequest = (error: unknown): boolean => hasReason(error, 'BadRequest', 400);
export const isUnauthorized = (error: unknown): boolean => hasReason(error, 'Unauthorized', 401);
export const isForbidden = (error: unknown): boolean => hasReason(error, 'Forbidden', 403);
export const isMethodNotSupported = (error: unknown): boolean => hasReason(error, 'MethodNotAllowed', 405);
export const isNotAcceptable = (error: unknown): boolean => hasReason(error, 'NotAcceptable', 406);
export const isUnsupportedMediaType = (error: unknown): boolean => hasReason(error, 'UnsupportedMediaType', 415);
export const isRequestEntityTooLarge = (error: unknown): boolean => hasReason(error, 'RequestEntityTooLarge', 413);
export const isTooManyRequests = (error: unknown): boolean => hasReason(error, 'TooManyRequests', 429);
export const isInternalError = (error: unknown): boolean => hasReason(error, 'InternalError', 500);
export const isTimeout = (error: unknown): boolean => hasReason(error, 'Timeout', 504);
export const isServerTimeout = (error: unknown): boolean => hasReason(error, 'ServerTimeout');
export const isServiceUnavailable = (error: unknown): boolean => hasReason(error, 'ServiceUnavailable', 503);
/** A resourceVersion or continue token is too old: list again. Covers `Gone`. */
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired', 410) || hasReason(error, 'Gone');

/** Seconds to wait before another try, when the server named them. */
export function retryAfterSecondsOf(error: unknown): number | undefined {
  return detailsOf(error)?.retryAfterSeconds;
}

export function detailsOf(error: unknown): FailureDetails | undefined {
  return statusOf(error)?.details;
}
