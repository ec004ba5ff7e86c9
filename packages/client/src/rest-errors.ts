import { isFailureStatus, StatusError, statusError } from '@bayplan/api';
import type { StatusReason } from '@bayplan/api';

const reasons: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error for an answer that is not 2xx: the server's `Status`, or one made up from the code and text. */
export function errorFromAnswer(code: number, body: string, retryAfter: string | undefined): StatusError {
  const retryAfterSeconds = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const parsed = parseOrUndefined(body);
  if (isFailureStatus(parsed)) {
    if (retryAfterSeconds === undefined || parsed.details?.retryAfterSeconds !== undefined) return new StatusError(parsed);
    return new StatusError({ ...parsed, details: { ...parsed.details, retryAfterSeconds } });
  }
  const message = body.trim() === '' ? `the server answered with code ${String(code)}` : body.trim().slice(0, 2048);
  return statusError(code, reasons[code] ?? '', message, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds });
}

/** The error for a `Status` that came as an `ERROR` event of a watch. */
export function errorFromEvent(object: unknown): StatusError {
  if (isFailureStatus(object)) return new StatusError(object);
  return statusError(500, 'InternalError', `the watch ended with ${JSON.stringify(object)}`);
}

/** The error for a call that got no answer. */
export function errorFromConnection(cause: unknown, server: string): StatusError {
  const text = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  return statusError(503, 'ServiceUnavailable', `the API server ${server} did not answer: ${text ?? 'unknown'}`, undefined, { cause });
}

const neverSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const brokenCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Whether a connection error happened before the request left, or for a request that may be sent twice. */
export function mayTryAgain(error: unknown, method: string): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (neverSentCodes.has(code)) return true;
  if (error instanceof AggregateError) return error.errors.every((one) => mayTryAgain(one, method));
  return method === 'GET' && brokenCodes.has(code);
}

function parseOrUndefined(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // not JSON: a proxy's page, or plain text
  }
}
