import {
  alreadyExists,
  conflict,
  expired,
  internalError,
  notFound,
  requestEntityTooLarge,
  serverTimeout,
  serviceUnavailable,
  timeout,
} from '@bayplan/api';
import type { StatusError } from '@bayplan/api';
import type { StoreError } from '@bayplan/store';

/** What a failure of the store means to the client of a request about `name`. */
export function statusOfStoreError(
  error: StoreError,
  resource: { readonly group: string; readonly resource: string },
  name: string,
  verb: string,
): StatusError {
  switch (error.reason) {
    case 'not-found':
      return notFound(resource, name);
    case 'exists':
      return alreadyExists(resource, name);
    case 'conflict':
      return conflict(resource, name);
    case 'compacted':
      return expired('The resourceVersion for the provided list is too old.');
    case 'too-large':
      return requestEntityTooLarge('limit is 1.5 MiB');
    case 'full':
      return serviceUnavailable('the store is full: compact, defragment or enlarge it', 30);
    case 'unreachable':
      return serverTimeout(resource, verb, 1);
    case 'timeout':
      return timeout('the store did not answer in time', 1);
    case 'closed':
      return serviceUnavailable('the server is shutting down', 1);
    case 'invalid':
    case 'corrupt':
      return internalError(`store: ${error.message}`, error);
  }
}
