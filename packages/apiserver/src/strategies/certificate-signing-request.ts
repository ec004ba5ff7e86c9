import type { CertificateSigningRequest, KubeObject } from '@bayplan/api';
import { forbidden, sameJson } from '@bayplan/api';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { RequestContext } from '../chain/context.ts';
import type { Strategy } from '../registry/strategy.ts';

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
      request.spec = (old as CertificateSigningRequest).spec;
      const approving = context.info.isResource && context.info.subresource === 'approval';
      if (approving) await demandSigner(authorizer(), context, object, 'approve');
    },
    async prepareForStatusUpdate(object, old, context) {
      const request = object as CertificateSigningRequest;
      const before = (old as CertificateSigningRequest).status ?? {};
      // Whether a request is approved is decided through /approval only.
      const decided = (before.conditions ?? []).filter((condition) => condition.type !== 'Failed');
      const failed = (request.status?.conditions ?? []).filter((condition) => condition.type === 'Failed');
      request.status = { ...request.status, ...(decided.length + failed.length === 0 ? {} : { conditions: [...decided, ...failed] }) };
      if (!sameJson(request.status.certificate, before.certificate)) await demandSigner(authorizer(), context, object, 'sign');
    },
  };
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
