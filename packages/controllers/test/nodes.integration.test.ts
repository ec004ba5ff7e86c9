import { resources } from '@bayplan/api';
import type { CertificateSigningRequest, Node } from '@bayplan/api';
import { createCertificateRequest, parseCertificateRequest } from '@bayplan/component-base';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '@bayplan/client';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

const ready = (status: string): Node['status'] => ({ conditions: [{ type: 'Ready', status, reason: 'Test' }] });

async function addNode(name: string, status: string): Promise<void> {
  await cluster.client.create(resources.nodes, { metadata: { name } });
  await setStatus(name, ready(status));
}

async function setStatus(name: string, status: Node['status']): Promise<void> {
  await cluster.client.patch(resources.nodes, { name }, 'strategic', { status }, { subresource: 'status' });
}

describe('nodes', () => {
  it('each get a pod range of their own, and a range that was given back is used again', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => cluster.client.create(resources.nodes, { metadata: { name } })));
    const cidrs = await Promise.all(
      ['a', 'b', 'c'].map(
        async (name) => (await cluster.until(resources.nodes, undefined, name, (node) => node.spec?.podCIDR !== undefined)).spec,
      ),
    );
    expect(cidrs.map((spec) => spec?.podCIDR).sort()).toEqual(['10.128.0.0/22', '10.128.4.0/22', '10.128.8.0/22']);
    expect(cidrs.every((spec) => spec?.podCIDRs?.[0] === spec?.podCIDR)).toBe(true);
    await cluster.client.delete(resources.nodes, { name: 'a' });
    await cluster.client.create(resources.nodes, { metadata: { name: 'd' } });
    const reused = await cluster.until(resources.nodes, undefined, 'd', (node) => node.spec?.podCIDR !== undefined);
    expect(reused.spec?.podCIDR).toBe(cidrs[0]?.podCIDR);
    await cluster.until(resources.nodes, undefined, 'd', (node) => node.metadata.annotations?.['node.alpha.kubernetes.io/ttl'] === '0');
  });

  it('that are not ready are tainted and lose the pods that do not tolerate it', async () => {
    await addNode('n1', 'True');
    // With no node ready at all, or most of them not, nothing would be evicted.
    for (const name of ['b', 'c', 'd']) await cluster.client.delete(resources.nodes, { name });
    await addNode('other', 'True');
    const pod = (name: string, tolerationSeconds?: number) => ({
      metadata: { namespace: 'default', name },
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        nodeName: 'n1',
        tolerations: [
          {
            key: 'node.kubernetes.io/not-ready',
            operator: 'Exists',
            effect: 'NoExecute',
            ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
          },
          { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
        ],
      },
    });
    await cluster.client.create(resources.pods, pod('stays'));
    await cluster.client.create(resources.pods, pod('goes', 1));
    await cluster.until(resources.pods, 'default', 'stays', (one) => one.status?.phase === 'Running');
    await setStatus('n1', ready('False'));
    await cluster.until(resources.nodes, undefined, 'n1', (one) => (one.spec?.taints ?? []).some((taint) => taint.effect === 'NoExecute'));
    await cluster.until(
      resources.pods,
      'default',
      'stays',
      (one) => one.status?.conditions?.find((condition) => condition.type === 'Ready')?.status === 'False',
    );
    await cluster.eventually(async () => (await cluster.client.list(resources.pods, { namespace: 'default' })).items.length === 1);
    await setStatus('n1', ready('True'));
    await cluster.until(resources.nodes, undefined, 'n1', (one) => (one.spec?.taints ?? []).length === 0);
  });
});

describe('a cluster without a ready node', () => {
  it('keeps its pods where they are, and moves them once a node is back', async () => {
    await setStatus('other', ready('False'));
    await setStatus('n1', ready('Unknown'));
    const tainted = await cluster.until(resources.nodes, undefined, 'n1', (one) =>
      (one.spec?.taints ?? []).some((taint) => taint.key === 'node.kubernetes.io/unreachable'),
    );
    expect(tainted.spec?.taints?.map((taint) => taint.effect)).toEqual(['NoSchedule']);
    await setStatus('n1', ready('True'));
    await setStatus('other', ready('True'));
  });
});

describe('pods of a node that is out of service', () => {
  it('are removed when they do not stop', async () => {
    await addNode('broken', 'False');
    cluster.kubelet.stops = (pod) => pod.metadata.name !== 'stuck';
    const spec = { nodeName: 'broken', containers: [{ name: 'c', image: 'i' }], tolerations: [{ operator: 'Exists' }] };
    const metadata = { namespace: 'default', name: 'stuck', finalizers: ['example.com/hold'] };
    await cluster.client.create(resources.pods, { metadata, spec });
    await cluster.client.delete(resources.pods, { namespace: 'default', name: 'stuck' }, { gracePeriodSeconds: 600 });
    await cluster.client.patch(resources.nodes, { name: 'broken' }, 'merge', {
      spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }] },
    });
    const failed = await cluster.until(resources.pods, 'default', 'stuck', (one) => one.metadata.deletionGracePeriodSeconds === 0);
    expect(failed.status?.phase).toBe('Failed');
    expect(failed.status?.conditions?.find((one) => one.type === 'DisruptionTarget')?.reason).toBe('DeletionByPodGC');
    await cluster.client.patch(resources.pods, { namespace: 'default', name: 'stuck' }, 'merge', { metadata: { finalizers: null } });
  });
});

describe('certificate requests of nodes', () => {
  async function request(
    as: { name: string; groups: string[] },
    signer: 'client' | 'serving',
    csr: Parameters<typeof createCertificateRequest>[0],
  ): Promise<string> {
    const { csrPem } = await createCertificateRequest(csr);
    expect((await parseCertificateRequest(csrPem)).commonName).toBe(csr.commonName);
    const object: CertificateSigningRequest = {
      metadata: { generateName: 'csr-' },
      spec: {
        request: Buffer.from(csrPem).toString('base64'),
        signerName: signer === 'client' ? 'kubernetes.io/kube-apiserver-client-kubelet' : 'kubernetes.io/kubelet-serving',
        usages: ['digital signature', signer === 'client' ? 'client auth' : 'server auth'],
      },
    };
    const created = await createClient(cluster.api.as(as)).create(resources.certificateSigningRequests, object);
    return created.metadata.name ?? '';
  }

  const issued = (name: string): Promise<CertificateSigningRequest> =>
    cluster.until(resources.certificateSigningRequests, undefined, name, (one) => one.status?.certificate !== undefined);

  const node = { name: 'system:node:n7', groups: ['system:nodes'] };
  const subject = { commonName: 'system:node:n7', organizations: ['system:nodes'] };

  it('are approved and signed for a bootstrap token', async () => {
    const name = await request({ name: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] }, 'client', subject);
    const done = await issued(name);
    expect(done.status?.conditions?.map((condition) => `${condition.type} ${condition.reason ?? ''}`)).toEqual(['Approved AutoApproved']);
    const certificate = new X509Certificate(Buffer.from(done.status?.certificate ?? '', 'base64'));
    expect(certificate.subject.split('\n').sort()).toEqual(['CN=system:node:n7', 'O=system:nodes']);
    expect(certificate.checkIssued(new X509Certificate(cluster.api.caPem))).toBe(true);
  });

  it('are approved for serving when the node asks for itself', async () => {
    const done = await issued(await request(node, 'serving', { ...subject, dnsNames: ['n7'], ipAddresses: ['192.0.2.7'] }));
    expect(new X509Certificate(Buffer.from(done.status?.certificate ?? '', 'base64')).subjectAltName).toBe('DNS:n7, IP Address:192.0.2.7');
  });

  it('wait for a human when another asks, or for names of another node', async () => {
    await cluster.client.create(resources.nodes, { metadata: { name: 'n8' } });
    await setStatus('n8', { addresses: [{ type: 'InternalIP', address: '192.0.2.8' }] });
    const stranger = await request({ name: 'system:node:n9', groups: ['system:nodes'] }, 'serving', { ...subject, dnsNames: ['n7'] });
    const stolen = await request(node, 'serving', { ...subject, ipAddresses: ['192.0.2.8'] });
    await issued(await request(node, 'serving', { ...subject, dnsNames: ['n7'] }));
    for (const name of [stranger, stolen]) {
      const waiting = await cluster.client.get(resources.certificateSigningRequests, { name });
      expect(waiting.status?.conditions ?? []).toEqual([]);
    }
  });
});
