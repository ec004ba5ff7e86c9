import type { ResourceInfo } from '@bayplan/api';

/** The `Status` of a call that has nothing else to answer. */
export function success(
  resource: Pick<ResourceInfo, 'group' | 'resource'>,
  details: { readonly name: string; readonly uid?: string },
): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...details, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.resource },
  };
}
