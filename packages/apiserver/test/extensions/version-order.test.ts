import { expect, it } from 'vitest';
import { compareVersions } from '../../src/discovery/version-order.ts';

it('versions are ordered as Kubernetes prefers them', () => {
  const shuffled = ['foo10', 'v1alpha2', 'v3beta1', 'v10', 'v11beta2', 'v1', 'foo1', 'v10beta3', 'v12alpha1', 'v2', 'v11alpha2'];
  expect(shuffled.sort(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v11beta2',
    'v10beta3',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'v1alpha2',
    'foo1',
    'foo10',
  ]);
});
