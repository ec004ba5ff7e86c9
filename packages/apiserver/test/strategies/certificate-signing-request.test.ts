import { resources } from '@bayplan/api';
import type { CertificateSigningRequest, CertificateSigningRequestCondition, KubeObject } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createCertificateRequest, signCertificateRequest } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
let csrPem: string;
let certificate: string;
const signerName = 'example.com/signer';
const apiGroup = 'rbac.authorization.k8s.io';

beforeAll(async () => {
  api = await startTestApiServer({ listen: false });
  admin = createClient(api.admin);
  ({ csrPem } = await createCertificateRequest({ commonName: 'bob' }));
  const pem = await signCertificateRequest(api.keys.ca, csrPem, { commonName: 'bob', usages: ['client'] }, Date.now());
  certificate = Buffer.from(pem).toString('base64');
});
afterAll(() => api.close());

let count = 0;
async function create(client: Client = admin): Promise<CertificateSigningRequest & KubeObject> {
  return client.create(resources.certificateSigningRequests, {
    metadata: { name: `csr-${(count++).toString()}` },
    spec: { request: Buffer.from(csrPem).toString('base64'), signerName, usages: ['client auth'] },
  } as CertificateSigningRequest & KubeObject);
}
const condition = (type: string, status = 'True'): CertificateSigningRequestCondition => ({ type, status, reason: 'Test', message: '' });
const write = (
  object: CertificateSigningRequest & KubeObject,
  subresource: string,
  status: NonNullable<CertificateSigningRequest['status']>,
  client: Client = admin,
) => client.update(resources.certificateSigningRequests, { ...object, status }, { subresource });
const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => expect.fail('should be refused'),
    (error: unknown) => (error as Error).message,
  );

describe('a certificate request', () => {
  it('says who asked, whatever it claims, and is not approved by itself', async () => {
    const created = await createClient(api.as({ name: 'root', groups: ['system:masters', 'team'] })).create(
      resources.certificateSigningRequests,
      {
        metadata: { name: 'claims' },
        spec: { request: Buffer.from(csrPem).toString('base64'), signerName, usages: ['client auth'], username: 'other', groups: ['x'] },
        status: { conditions: [condition('Approved')], certificate },
      } as CertificateSigningRequest & KubeObject,
    );
    expect(created.spec).toMatchObject({ username: 'root', groups: ['system:masters', 'team', 'system:authenticated'] });
    expect(created.status ?? {}).toEqual({});
  });

  it('is approved once, and signed once', async () => {
    const made = await create();
    const approved = await write(made, 'approval', { conditions: [condition('Approved')], certificate });
    expect(approved.status?.certificate).toBeUndefined();
    expect(approved.status?.conditions?.[0]).toMatchObject({ type: 'Approved', status: 'True' });
    expect(approved.status?.conditions?.[0]?.lastUpdateTime).toBeDefined();
    expect(await failure(write(approved, 'approval', { conditions: [condition('Denied')] }))).toMatch(
      /status\.conditions: Forbidden: updates may not remove a condition of type "Approved"/,
    );
    const conditions = approved.status?.conditions ?? [];
    expect(await failure(write(approved, 'approval', { conditions: [...conditions, condition('Denied')] }))).toContain(
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    );
    expect(
      await failure(write(approved, 'approval', { conditions: [{ ...(conditions[0] ?? condition('Approved')), message: 'changed' }] })),
    ).toContain('updates may not modify a condition of type "Approved"');
    const signed = await write(approved, 'status', { certificate });
    expect(signed.status).toMatchObject({ certificate, conditions: [{ type: 'Approved' }] });
    expect(await failure(write(signed, 'status', { ...signed.status, certificate: Buffer.from('x').toString('base64') }))).toContain(
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    );
  });

  it.each<[string, NonNullable<CertificateSigningRequest['status']>, string]>([
    ['status', { conditions: [condition('Approved')] }, 'status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
    ['approval', { conditions: [condition('Failed')] }, 'status.conditions: Forbidden: updates may not add a condition of type "Failed"'],
    [
      'approval',
      { conditions: [condition('Approved', 'False')] },
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
    ['approval', { conditions: [condition('Other'), condition('Other')] }, 'status.conditions[1].type: Duplicate value: "Other"'],
    [
      'status',
      { certificate: Buffer.from('nothing').toString('base64') },
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ],
    [
      'status',
      { certificate: Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n').toString('base64') },
      'only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"',
    ],
  ])('refuses through %s: %j', async (subresource, status, message) => {
    expect(await failure(write(await create(), subresource, status))).toContain(message);
  });

  it('is decided and signed by those who may for its signer', async () => {
    const role = async (name: string, verb: string, resourceNames: string[]): Promise<void> => {
      const rules = [
        {
          apiGroups: ['certificates.k8s.io'],
          resources: ['certificatesigningrequests', 'certificatesigningrequests/approval', 'certificatesigningrequests/status'],
          verbs: ['*'],
        },
        { apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames, verbs: [verb] },
      ];
      await admin.create(resources.clusterRoles, { metadata: { name }, rules });
      await admin.create(resources.clusterRoleBindings, {
        metadata: { name },
        roleRef: { apiGroup, kind: 'ClusterRole', name },
        subjects: [{ kind: 'User', name, apiGroup }],
      });
    };
    await role('approver', 'approve', ['example.com/*']);
    await role('signer', 'sign', [signerName]);
    const approver = createClient(api.as({ name: 'approver' }));
    const signer = createClient(api.as({ name: 'signer' }));
    const made = await create();
    expect(await failure(write(made, 'approval', { conditions: [condition('Approved')] }, signer))).toContain(
      `user not permitted to approve requests with signerName "${signerName}"`,
    );
    const approved = await write(made, 'approval', { conditions: [condition('Approved')] }, approver);
    expect(await failure(write(approved, 'status', { ...approved.status, certificate }, approver))).toContain(
      `user not permitted to sign requests with signerName "${signerName}"`,
    );
    expect((await write(approved, 'status', { ...approved.status, certificate }, signer)).status?.certificate).toBe(certificate);
  });
});
