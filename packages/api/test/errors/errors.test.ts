import { describe, expect, it } from 'vitest';
import {
  accessDenied,
  conflict,
  FieldPath,
  fieldDuplicate,
  fieldErrorText,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
  invalid,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
  expired,
  notFound,
  statusOf,
} from '../../src/index.ts';

const pods = { group: '', resource: 'pods' };

describe('status errors', () => {
  it('says what was not found', () => {
    expect(notFound({ group: 'apps', resource: 'deployments' }, 'x').status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'deployments.apps "x" not found',
      reason: 'NotFound',
      details: { name: 'x', group: 'apps', kind: 'deployments' },
      code: 404,
    });
  });

  it('says that another write came first', () => {
    expect(conflict(pods, 'x').message).toBe(
      'Operation cannot be fulfilled on pods "x": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('lists one fault alone and several in brackets, each once', () => {
    const kind = { group: '', kind: 'Pod' };
    const one = fieldRequired(FieldPath.of('spec', 'containers').index(0).child('image'));
    expect(invalid(kind, 'x', [one]).message).toBe('Pod "x" is invalid: spec.containers[0].image: Required value');
    const two = fieldInvalid('spec.a', 'B', 'bad');
    const error = invalid(kind, 'x', [one, two, two]);
    expect(error.message).toBe('Pod "x" is invalid: [spec.containers[0].image: Required value, spec.a: Invalid value: "B": bad]');
    expect(error.status.details?.causes?.[1]).toEqual({ reason: 'FieldValueInvalid', message: 'Invalid value: "B": bad', field: 'spec.a' });
  });

  it('refuses access in the words of Kubernetes', () => {
    const base = { user: 'u', verb: 'list', group: '', resource: 'pods' };
    expect(accessDenied({ ...base, namespace: 'd' }).message).toBe(
      'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "d"',
    );
    expect(accessDenied({ ...base, verb: 'get', name: 'x', resource: 'pods/log' }).message).toBe(
      'pods "x" is forbidden: User "u" cannot get resource "pods/log" in API group "" at the cluster scope',
    );
    expect(accessDenied({ ...base, verb: 'get', path: '/metrics' }).message).toBe('forbidden: User "u" cannot get path "/metrics"');
  });

  it('finds the status along causes', () => {
    const wrapped = new Error('outer', { cause: notFound(pods, 'x') });
    expect(isNotFound(wrapped)).toBe(true);
    expect(isConflict(wrapped)).toBe(false);
    expect(statusOf(new Error('plain'))).toBeUndefined();
    expect(isExpired(expired('old'))).toBe(true);
    expect(isInvalid(invalid({ group: '', kind: 'Pod' }, 'x', []))).toBe(true);
  });
});

describe('field errors', () => {
  const path = FieldPath.of('spec').child('ports').index(2).child('labels').key('a/b');
  it.each([
    [fieldRequired(path, 'why'), 'spec.ports[2].labels[a/b]: Required value: why'],
    [fieldNotSupported(path, 'x', ['a', 'b']), 'spec.ports[2].labels[a/b]: Unsupported value: "x": supported values: "a", "b"'],
    [fieldDuplicate(path, 3), 'spec.ports[2].labels[a/b]: Duplicate value: 3'],
    [fieldTooLong(path, 63), 'spec.ports[2].labels[a/b]: Too long: may not be more than 63 bytes'],
    [fieldTooMany(path, 5, 3), 'spec.ports[2].labels[a/b]: Too many: 5: must have at most 3 items'],
    [fieldInvalid(path, { a: 1 }, 'no'), 'spec.ports[2].labels[a/b]: Invalid value: {"a":1}: no'],
  ])('prints %#', (error, expected) => {
    expect(fieldErrorText(error)).toBe(expected);
  });
});
