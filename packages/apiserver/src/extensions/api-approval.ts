import type { CustomResourceDefinition } from '@bayplan/api';

/** Where definitions of Kubernetes' own groups say who approved them. */
export const approvalAnnotation = 'api-approved.kubernetes.io';
const more = 'see https://github.com/kubernetes/enhancements/pull/1111';

export interface Approval {
  readonly status: 'True' | 'False';
  readonly reason: 'ApprovedAnnotation' | 'UnapprovedAnnotation' | 'MissingAnnotation' | 'InvalidAnnotation';
  readonly message: string;
}

/** Groups that belong to the Kubernetes community. */
export function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

/** What a definition's annotation says about its approval. */
export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const text = metadata.annotations?.[approvalAnnotation] ?? '';
  const demand = `protected groups must have approval annotation ${JSON.stringify(approvalAnnotation)}`;
  if (text === '') return { status: 'False', reason: 'MissingAnnotation', message: `${demand}, ${more}` };
  if (text.startsWith('unapproved'))
    return { status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(text)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/\s]+/.test(text) && URL.canParse(text))
    return { status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${text}` };
  const message = `${demand} with either a URL or a reason starting with "unapproved", ${more}`;
  return { status: 'False', reason: 'InvalidAnnotation', message };
}
