import { isNotAcceptable } from '@bayplan/api';
import { describe, expect, it } from 'vitest';
import { negotiate } from '../../src/chain/negotiate.ts';

const none = new URLSearchParams();

describe('negotiate', () => {
  it.each([
    [undefined, 'application/json', undefined],
    ['*/*', 'application/json', undefined],
    ['application/vnd.kubernetes.protobuf, */*', 'application/vnd.kubernetes.protobuf', undefined],
    [
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
      'application/json',
      'Table',
    ],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json', 'application/json', undefined],
    ['application/yaml', 'application/yaml', undefined],
    ['application/json;q=0.5, application/yaml', 'application/yaml', undefined],
    ['text/html;q=1, application/yaml;q=0.1, application/json;q=0.3', 'application/json', undefined],
    ['application/yaml;q=high, application/json;q=0.9', 'application/yaml', undefined],
    ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, application/json', 'application/json', undefined],
    [
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      'application/vnd.kubernetes.protobuf',
      'PartialObjectMetadata',
    ],
  ] as const)('%s', (accept, mediaType, as) => {
    expect(negotiate(accept, none, undefined)).toMatchObject({ mediaType, as });
  });

  it('refuses what it cannot write', () => {
    expect(() => negotiate('text/html', none, undefined)).toThrowError(expect.objectContaining({ name: 'StatusError' }) as Error);
    try {
      negotiate('text/html', none, undefined);
    } catch (error) {
      expect(isNotAcceptable(error)).toBe(true);
    }
  });

  it('indents for people', () => {
    expect(negotiate('*/*', none, 'curl/8').pretty).toBe(true);
    expect(negotiate('*/*', new URLSearchParams('pretty=false'), 'curl/8').pretty).toBe(false);
    expect(negotiate('*/*', none, 'kubectl/v1.33').pretty).toBe(false);
  });
});
