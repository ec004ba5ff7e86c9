import type { FieldError } from './field-error.ts';
import { fieldErrorsText } from './field-error.ts';
import type { FailureCause } from './status.ts';
import { statusError, StatusError } from './status.ts';

/** A resource by its plural; a `ResourceRef` fits. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** What is being asked, for the text of a refusal. */
export interface AccessAttributes {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With the subresource after a slash. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** Set instead of a resource for paths such as `/metrics`. */
  readonly path?: string | undefined;
  /** The authoriser's own reason, appended after a colon. */
  readonly reason?: string | undefined;
}

const quote = (text: string): string => JSON.stringify(text);

/** `pods`, or `deployments.apps` outside the core group. */
function qualified(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

function about(resource: GroupResource, name: string): { name?: string; group?: string; kind?: string } {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    ...(resource.resource === '' ? {} : { kind: resource.resource }),
  };
}

export function notFound(resource: GroupResource, name: string): StatusError {
  return statusError(404, 'NotFound', `${qualified(resource)} ${quote(name)} not found`, about(resource, name));
}

/** For a path that no resource is served under. */
export function pathNotFound(): StatusError {
  return statusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: GroupResource, name: string): StatusError {
  return statusError(409, 'AlreadyExists', `${qualified(resource)} ${quote(name)} already exists`, about(resource, name));
}

/** Every attempt to make up a name from `generateName` collided. */
export function generateNameConflict(resource: GroupResource, name: string, retryAfterSeconds: number): StatusError {
  const message = `${qualified(resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`;
  return statusError(409, 'AlreadyExists', message, { ...about(resource, name), retryAfterSeconds });
}

export const objectModified = 'the object has been modified; please apply your changes to the latest version and try again';

/** An update that lost against another; `why` defaults to the optimistic lock's text. */
export function conflict(resource: GroupResource, name: string, why: string = objectModified): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} ${quote(name)}: ${why}`;
  return statusError(409, 'Conflict', message, about(resource, name));
}

/** Server-side apply found fields that other managers own: one cause for each field. */
export function applyConflict(causes: readonly FailureCause[], message: string): StatusError {
  return statusError(409, 'Conflict', message, { causes: [...causes] });
}

/** Validation failed; `errors` in the order in which they were found, all of them. */
export function invalid(kind: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map((error) => ({ reason: error.type, message: error.body, field: error.field }));
  const what = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const message = `${what} ${quote(name)} is invalid${errors.length === 0 ? '' : `: ${fieldErrorsText(errors)}`}`;
  return statusError(422, 'Invalid', message, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    ...(causes.length === 0 ? {} : { causes }),
  });
}

export function badRequest(message: string): StatusError {
  return statusError(400, 'BadRequest', message);
}

export function unauthorized(message = 'Unauthorized'): StatusError {
  return statusError(401, 'Unauthorized', message);
}

/** A refusal with its own words: `pods "x" is forbidden: WHY`. Admission plugins use it. */
export function forbidden(resource: GroupResource, name: string, why: string): StatusError {
  const what = qualified(resource);
  let message = `${what} ${quote(name)} is forbidden: ${why}`;
  if (what === '') message = `forbidden: ${why}`;
  else if (name === '') message = `${what} is forbidden: ${why}`;
  return statusError(403, 'Forbidden', message, about(resource, name));
}

/** The authoriser's refusal: `pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "d"`. */
export function accessDenied(attributes: AccessAttributes): StatusError {
  const { user, verb, group, resource, namespace, name = '', path, reason } = attributes;
  const tail = reason === undefined || reason === '' ? '' : `: ${reason}`;
  if (path !== undefined) {
    return statusError(403, 'Forbidden', `forbidden: User ${quote(user)} cannot ${verb} path ${quote(path)}${tail}`, {});
  }
  const scope = namespace === undefined || namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  const why = `User ${quote(user)} cannot ${verb} resource ${quote(resource)} in API group ${quote(group)} ${scope}${tail}`;
  const plain = { group, resource: resource.split('/')[0] ?? resource };
  return forbidden(plain, name, why);
}

export function methodNotSupported(resource: GroupResource, action: string): StatusError {
  const message = `${action} is not supported on resources of kind ${quote(qualified(resource))}`;
  return statusError(405, 'MethodNotAllowed', message, about(resource, ''));
}

/** The verb exists in HTTP but not on this path. */
export function methodNotAllowed(): StatusError {
  return statusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return statusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return statusError(415, 'UnsupportedMediaType', message);
}

export function requestEntityTooLarge(why: string): StatusError {
  return statusError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return statusError(429, 'TooManyRequests', message, { retryAfterSeconds });
}

/** `cause` is kept on the error for the log and never sent. */
export function internalError(why: string, cause?: unknown): StatusError {
  const options = cause === undefined ? undefined : { cause };
  return statusError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] }, options);
}

/** The request outlived its deadline; it may still have taken effect. */
export function timeout(why: string, retryAfterSeconds = 0): StatusError {
  return statusError(504, 'Timeout', `Timeout: ${why}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}

/** A read asks for a state that this server has not seen yet, and did not see within its patience. */
export function tooLargeResourceVersion(wanted: number, current: number, retryAfterSeconds = 1): StatusError {
  const what = 'Too large resource version';
  return statusError(504, 'Timeout', `Timeout: ${what}: ${wanted.toString()}, current: ${current.toString()}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: what }],
    retryAfterSeconds,
  });
}

/** A passing fault below the API, such as an unreachable store: try again. */
export function serverTimeout(resource: GroupResource, operation: string, retryAfterSeconds: number): StatusError {
  const message = `The ${operation} operation against ${qualified(resource)} could not be completed at this time, please try again.`;
  return statusError(500, 'ServerTimeout', message, { ...about(resource, operation), retryAfterSeconds });
}

export function serviceUnavailable(message: string, retryAfterSeconds = 0): StatusError {
  return statusError(503, 'ServiceUnavailable', message, retryAfterSeconds > 0 ? { retryAfterSeconds } : undefined);
}

/** A resourceVersion or continue token older than the history kept. */
export function expired(message: string): StatusError {
  return statusError(410, 'Expired', message);
}

/** The history that a page of a list was to come from is gone; `token` continues from the newest state instead. */
export function expiredContinue(token: string): StatusError {
  const { status } = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  return new StatusError({ ...status, metadata: { continue: token } });
}

export function gone(message: string): StatusError {
  return statusError(410, 'Gone', message);
}
