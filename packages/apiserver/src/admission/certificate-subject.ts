import { forbidden } from '@bayplan/api';
import type { CertificateSigningRequest } from '@bayplan/api';
import { parseCertificateRequest } from '@bayplan/component-base';
import { superuserGroup } from '../chain/user.ts';
import type { AdmissionPlugin } from './admission.ts';

/** Nobody is made an administrator by a client certificate asked for through the API. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  async validate({ resource, operation, subresource, name, object }) {
    if (resource.resource !== 'certificatesigningrequests' || operation !== 'CREATE' || subresource !== '') return;
    const { spec } = object as CertificateSigningRequest;
    if (spec?.signerName !== 'kubernetes.io/kube-apiserver-client') return;
    let organizations: readonly string[];
    try {
      ({ organizations } = await parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('utf8')));
    } catch (error) {
      throw forbidden(resource, name, `failed to parse the certificate request: ${(error as Error).message}`);
    }
    if (organizations.includes(superuserGroup)) {
      throw forbidden(resource, name, `use of ${spec.signerName} signer with ${superuserGroup} group is not allowed`);
    }
  },
};
