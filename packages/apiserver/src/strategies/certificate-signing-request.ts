import type { CertificateSigningRequest, CertificateSigningRequestCondition, KubeObject } from '@bayplan/api';
import { forbidden, sameJson } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { RequestContext } from '../chain/context.ts';
import type { Strategy } from '../registry/strategy.ts';
import { certificateStatusFaults } from './certificate-faults.ts';

const resource = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests' } as const;

/** Certificate requests carry who asked, set here and never changed; conditions and certificate come through their own subresources. */
export function certificateSigningRequestStrategy(authorizer: () => Authorizer): Strategy {
  return {
    fields: (object) => ({ 'spec.signerName': (object as CertificateSigningRequest).spec?.signerName ?? '' }),
    prepareForCreate(object, context) {
      const { user } = context;
      const request = object as CertificateSigningRequest;
      request.spec = {
        ...request.spec,
        username: user.name,
        ...(user.uid === undefined ? {} : { uid: user.uid }),
        groups: [...user.groups],
        ...(Object.keys(user.extra).length === 0
          ? {}
          : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
      };
      request.status = {};
    },
    async prepareForUpdate(object, old, context) {
      const request = object as CertificateSigningRequest;
      const before = old as CertificateSigningRequest;
      request.spec = before.spec;
      if (!context.info.isResource || context.info.subresource !== 'approval') return;
      // Only whether it is approved is decided here.
      const conditions = request.status?.conditions ?? [];
      request.status = { ...before.status, conditions };
      if (conditions.length === 0) delete request.status.conditions;
      setTimes(request, before, context.startMs);
      if (!sameJson(decisionsOf(request), decisionsOf(before))) await demandSigner(authorizer(), context, object, 'approve');
    },
    async prepareForStatusUpdate(object, old, context) {
      const request = object as CertificateSigningRequest;
      const before = old as CertificateSigningRequest;
      request.spec = before.spec;
      keepDecisions(request, before);
      setTimes(request, before, context.startMs);
      const signs = !sameJson(request.status?.certificate, before.status?.certificate);
      if (signs || !sameJson(request.status?.conditions, before.status?.conditions))
        await demandSigner(authorizer(), context, object, 'sign');
    },
    faults: (object, old, subresource) =>
      Promise.resolve(
        old === undefined || subresource === ''
          ? []
          : certificateStatusFaults(object as CertificateSigningRequest, old as CertificateSigningRequest, subresource),
      ),
  };
}

/** Conditions as they were when somebody writes the status without them: older clients send only what they know. */
function keepDecisions(request: CertificateSigningRequest, before: CertificateSigningRequest): void {
  const present = request.status?.conditions ?? [];
  const missing = decisionsOf(before).filter(({ type }) => !present.some((condition) => condition.type === type));
  const conditions = [...missing, ...present];
  request.status = { ...request.status, ...(conditions.length === 0 ? {} : { conditions }) };
}

function decisionsOf(request: CertificateSigningRequest): CertificateSigningRequestCondition[] {
  return (request.status?.conditions ?? []).filter(({ type }) => type === 'Approved' || type === 'Denied');
}

/** New conditions get their times; a status that is what it was keeps the time of its last change. */
function setTimes(request: CertificateSigningRequest, before: CertificateSigningRequest, nowMs: number): void {
  const now = timestamp(nowMs);
  const old = before.status?.conditions ?? [];
  for (const condition of request.status?.conditions ?? []) {
    const earlier = old.find(({ type }) => type === condition.type);
    condition.lastUpdateTime ??= earlier?.lastUpdateTime ?? now;
    condition.lastTransitionTime ??= (earlier?.status === condition.status ? earlier.lastTransitionTime : undefined) ?? now;
  }
}

/** Approving and signing are granted signer by signer: `DOMAIN/NAME`, or `DOMAIN/*`. */
async function demandSigner(authorizer: Authorizer, context: RequestContext, object: KubeObject, verb: 'approve' | 'sign'): Promise<void> {
  const signer = (object as CertificateSigningRequest).spec?.signerName ?? '';
  for (const name of [signer, `${signer.split('/')[0] ?? ''}/*`]) {
    const access = {
      kind: 'resource',
      verb,
      group: resource.group,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    } as const;
    if ((await authorizer.authorize(context.user, access)).verdict === 'allow') return;
  }
  throw forbidden(resource, object.metadata.name ?? '', `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`);
}
