import type { Outcome } from '../chain/outcome.ts';

/** The `Status` of something that was done and has nothing to show. */
export function success(status: 200 | 201): Outcome {
  return { kind: 'value', status, value: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: status } };
}
