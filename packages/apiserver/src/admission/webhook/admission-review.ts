import type { KubeObject } from '@bayplan/api';
import type { ServedResource } from '../../registry/served-resource.ts';
import type { AdmissionRequest } from '../admission.ts';
import { convertedTo, isNamespace, kindIn } from './hook-matching.ts';
import type { Invocation } from './hook-matching.ts';

export interface WebhookStatus {
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a webhook says, checked. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status: WebhookStatus | undefined;
  /** JSON in base64; empty when the object stays as it is. */
  readonly patch: string;
  readonly patchType: string;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

const apiVersion = 'admission.k8s.io/v1';

/** The question as `admission.k8s.io/v1` puts it. */
export async function reviewOf(request: AdmissionRequest, { resource, kind }: Invocation, uid: string): Promise<object> {
  const subresource = request.subresource === '' ? {} : { subResource: request.subresource, requestSubResource: request.subresource };
  const shown = async (object: KubeObject | undefined): Promise<unknown> =>
    object === undefined ? null : convertedTo(resource, request, object);
  const namespace = isNamespace(request) ? request.name || (request.object?.metadata.name ?? '') : request.namespace;
  const { user } = request;
  return {
    kind: 'AdmissionReview',
    apiVersion,
    request: {
      uid,
      kind,
      resource: resourceName(resource),
      requestKind: kindIn(request.resource, request),
      requestResource: resourceName(request.resource),
      ...subresource,
      ...(request.name === '' ? {} : { name: request.name }),
      ...(namespace === '' ? {} : { namespace }),
      operation: request.operation,
      userInfo: {
        username: user.name,
        ...(user.uid === undefined ? {} : { uid: user.uid }),
        groups: user.groups,
        ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
      },
      object: await shown(request.object),
      oldObject: await shown(request.old),
      dryRun: request.dryRun,
      options: request.options ?? null,
    },
  };
}

function resourceName({ group, version, resource }: ServedResource): object {
  return { group, version, resource };
}

/** Reads an answer. Throws a plain `Error` that says what is wrong with it. */
export function verdictOf(answer: unknown, uid: string, mutating: boolean): Verdict {
  const review = answer as { apiVersion?: unknown; kind?: unknown; response?: unknown } | null;
  const response = review?.response as Record<string, unknown> | null | undefined;
  if (typeof response !== 'object' || response === null) throw new Error('webhook response was absent');
  if (response['uid'] !== uid) {
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response['uid'] ?? '')}`);
  }
  if (review?.apiVersion !== apiVersion || review.kind !== 'AdmissionReview') {
    throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${typeText(review)}`);
  }
  const patch = typeof response['patch'] === 'string' ? response['patch'] : '';
  const patchType = response['patchType'];
  if (mutating) checkPatch(patch, patchType);
  else if (patch !== '') throw new Error('validating webhook may not return response.patch');
  else if (patchType !== undefined && patchType !== null) throw new Error('validating webhook may not return response.patchType');
  const { warnings, auditAnnotations, status } = response;
  return {
    allowed: response['allowed'] === true,
    status: typeof status === 'object' && status !== null ? (status as WebhookStatus) : undefined,
    patch,
    patchType: typeof patchType === 'string' ? patchType : '',
    warnings: Array.isArray(warnings) ? warnings.filter((one) => typeof one === 'string') : [],
    auditAnnotations: (auditAnnotations ?? {}) as Record<string, string>,
  };
}

function checkPatch(patch: string, patchType: unknown): void {
  const typed = patchType !== undefined && patchType !== null;
  if (patch !== '' && !typed) throw new Error('webhook returned response.patch but not response.patchType');
  if (patch === '' && typed) throw new Error('webhook returned response.patchType but not response.patch');
  if (typed && patchType === '') throw new Error('webhook returned invalid response.patchType of ""');
}

function typeText(review: { apiVersion?: unknown; kind?: unknown } | null): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return `${text(review?.apiVersion)}, Kind=${text(review?.kind)}`;
}
