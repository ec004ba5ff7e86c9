import { isNotFound, resources } from '@bayplan/api';
import type { Service } from '@bayplan/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRange } from '../src/service-cidr/ranges.ts';
import { startTestCluster } from './test-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ kubelet: false });
});
afterAll(() => cluster.close());

const namespace = 'default';
const hasEvent = (reason: string, name: string, text = ''): Promise<true> =>
  cluster.eventually(async () => {
    const { items } = await cluster.client.list(resources.events, { namespace });
    return items.some((one) => one.reason === reason && one.involvedObject.name === name && (one.message ?? '').includes(text));
  }) as Promise<true>;

async function addNode(name: string, address: string): Promise<void> {
  await cluster.client.create(resources.nodes, { metadata: { name } });
  const status = { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: 'True' }] };
  await cluster.client.patch(resources.nodes, { name }, 'strategic', { status }, { subresource: 'status' });
}

describe('Services of type LoadBalancer', () => {
  const balancer = (name: string, port: number, spec: Service['spec'] = {}) =>
    cluster.client.create(resources.services, {
      metadata: { namespace, name },
      spec: { type: 'LoadBalancer', ports: [{ port }], ...spec },
    });
  const ingressIs = (name: string, addresses: string[]) =>
    cluster.until(
      resources.services,
      namespace,
      name,
      (one) => (one.status?.loadBalancer?.ingress ?? []).map((each) => each.ip).join() === addresses.join(),
    );

  it('are served on the addresses of ready nodes', async () => {
    await addNode('n1', '192.0.2.1');
    await addNode('n2', '192.0.2.2');
    await balancer('web', 80, { allocateLoadBalancerNodePorts: false });
    const served = await ingressIs('web', ['192.0.2.1', '192.0.2.2']);
    expect(served.metadata.finalizers).toEqual(['service.kubernetes.io/load-balancer-cleanup']);
    expect(served.spec?.ports?.[0]?.nodePort).toBeUndefined();
    const status = { conditions: [{ type: 'Ready', status: 'False' }] };
    await cluster.client.patch(resources.nodes, { name: 'n1' }, 'strategic', { status }, { subresource: 'status' });
    await ingressIs('web', ['192.0.2.2']);
  });

  it('wait for a port that another has or the nodes need, and leave those of other classes alone', async () => {
    await balancer('second', 80);
    await hasEvent('SyncLoadBalancerFailed', 'second', 'port TCP/80 of the nodes is used by Service default/web');
    await balancer('shell', 22);
    await hasEvent('SyncLoadBalancerFailed', 'shell', 'port TCP/22 of the nodes is used by ssh');
    await balancer('foreign', 81, { loadBalancerClass: 'example.com/x' });
    await cluster.client.delete(resources.services, { namespace, name: 'web' });
    await ingressIs('second', ['192.0.2.2']);
    const foreign = await cluster.client.get(resources.services, { namespace, name: 'foreign' });
    expect([foreign.status?.loadBalancer?.ingress, foreign.metadata.finalizers]).toEqual([undefined, undefined]);
  });

  it('give their addresses up when they become something else', async () => {
    await cluster.client.patch(resources.services, { namespace, name: 'second' }, 'merge', { spec: { type: 'ClusterIP' } });
    const plain = await ingressIs('second', []);
    await cluster.until(resources.services, namespace, 'second', (one) => (one.metadata.finalizers ?? []).length === 0);
    expect(plain.spec?.type).toBe('ClusterIP');
    expect([plain.spec?.ports?.[0]?.nodePort, plain.spec?.allocateLoadBalancerNodePorts, plain.spec?.externalTrafficPolicy]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('Service addresses', () => {
  it('lie in ranges', () => {
    expect([inRange('10.96.0.0/12', '10.111.255.255'), inRange('10.96.0.0/12', '10.112.0.0'), inRange('fd00::/108', 'fd00::1')]).toEqual([
      true,
      false,
      true,
    ]);
    expect([inRange('10.96.0.0/12', 'fd00::1'), inRange('nonsense', '10.96.0.1')]).toEqual([false, false]);
  });

  it('may come from a second range, which stays while one is taken', async () => {
    const claimed = (name: string, clusterIP: string) =>
      cluster.client.create(resources.services, { metadata: { namespace, name }, spec: { clusterIP, ports: [{ port: 80 }] } });
    await expect(claimed('far', '10.200.0.5')).rejects.toThrow('is not in the valid range');
    await cluster.client.create(resources.serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24'] } });
    await cluster.until(resources.serviceCIDRs, undefined, 'more', (one) => (one.metadata.finalizers ?? []).length === 1);
    await claimed('far', '10.200.0.5');
    await cluster.client.delete(resources.serviceCIDRs, { name: 'more' });
    await cluster.until(resources.serviceCIDRs, undefined, 'more', (one) => one.status?.conditions?.[0]?.reason === 'Terminating');
    await expect(claimed('late', '10.200.0.6')).rejects.toThrow('is not in the valid range');
    await cluster.client.delete(resources.services, { namespace, name: 'far' });
    await cluster.eventually(() => cluster.client.get(resources.serviceCIDRs, { name: 'more' }).then(() => false, isNotFound));
  });

  it('keep their range from going, unless another covers them', async () => {
    const range = await cluster.until(
      resources.serviceCIDRs,
      undefined,
      'kubernetes',
      (one) => one.status?.conditions?.[0]?.status === 'True',
    );
    expect(range.metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer']);
    const cidr = range.spec?.cidrs?.[0] ?? '';
    await cluster.client.create(resources.serviceCIDRs, { metadata: { name: 'twin' }, spec: { cidrs: [cidr] } });
    await cluster.until(resources.serviceCIDRs, undefined, 'twin', (one) => (one.metadata.finalizers ?? []).length === 1);
    await cluster.client.delete(resources.serviceCIDRs, { name: 'kubernetes' });
    // Nothing holds it back now but the time to settle.
    const going = await cluster.client.get(resources.serviceCIDRs, { name: 'kubernetes' });
    expect(going.status?.conditions?.[0]?.status).toBe('True');
    await cluster.client.delete(resources.serviceCIDRs, { name: 'twin' });
    const held = await cluster.until(resources.serviceCIDRs, undefined, 'twin', (one) => one.status?.conditions?.[0]?.status === 'False');
    expect(held.status?.conditions?.[0]).toMatchObject({ type: 'Ready', reason: 'Terminating' });
  });
});

describe('aggregated ClusterRoles', () => {
  it('have the rules of the roles that they select', async () => {
    const rule = (resource: string) => ({ apiGroups: ['example.com'], resources: [resource], verbs: ['get'] });
    const clusterRoleSelectors = [{ matchLabels: { part: 'yes' } }];
    await cluster.client.create(resources.clusterRoles, { metadata: { name: 'whole' }, aggregationRule: { clusterRoleSelectors } });
    for (const name of ['part-b', 'part-a'])
      await cluster.client.create(resources.clusterRoles, {
        metadata: { name, labels: { part: 'yes' } },
        rules: [rule(name), rule('shared')],
      });
    const whole = await cluster.until(resources.clusterRoles, undefined, 'whole', (one) => one.rules?.length === 3);
    expect(whole.rules?.map((one) => one.resources?.[0])).toEqual(['part-a', 'shared', 'part-b']);
    await cluster.client.delete(resources.clusterRoles, { name: 'part-a' });
    await cluster.until(resources.clusterRoles, undefined, 'whole', (one) => one.rules?.length === 2);
  });
});

describe('ResourceClaims', () => {
  it('are made from templates, and freed when their pod has ended', async () => {
    const exactly = { deviceClassName: 'gpu' };
    const spec = { spec: { devices: { requests: [{ name: 'r', exactly }] } } };
    const pod = (name: string) => ({
      metadata: { namespace, name },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'c', image: 'i' }],
        resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }],
      },
    });
    await cluster.client.create(resources.serviceAccounts, { metadata: { namespace, name: 'default' } }).catch(() => undefined); // already there
    await cluster.client.create(resources.pods, pod('user'));
    await hasEvent('FailedResourceClaimCreation', 'user', 'resourceclaimtemplate.resource.k8s.io "one-gpu" not found');
    await cluster.client.create(resources.resourceClaimTemplates, { metadata: { namespace, name: 'one-gpu' }, spec });
    const started = await cluster.until(resources.pods, namespace, 'user', (one) => (one.status?.resourceClaimStatuses ?? []).length === 1);
    const name = started.status?.resourceClaimStatuses?.[0]?.resourceClaimName ?? '';
    const claim = await cluster.client.get(resources.resourceClaims, { namespace, name });
    expect(claim.metadata).toMatchObject({ annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' } });
    expect(claim.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Pod', name: 'user', controller: true });
    const reservedFor = [{ resource: 'pods', name: 'user', uid: started.metadata.uid ?? '' }];
    const devices = { results: [{ request: 'r', driver: 'example.com', pool: 'p', device: 'd' }] };
    await cluster.client.patch(resources.resourceClaims, { namespace, name }, 'merge', {
      metadata: { finalizers: ['resource.kubernetes.io/delete-protection'] },
    });
    const status = { allocation: { devices }, reservedFor };
    await cluster.client.patch(resources.resourceClaims, { namespace, name }, 'merge', { status }, { subresource: 'status' });
    await cluster.client.patch(
      resources.pods,
      { namespace, name: 'user' },
      'merge',
      { status: { phase: 'Succeeded' } },
      { subresource: 'status' },
    );
    await cluster.eventually(() =>
      cluster.client.get(resources.resourceClaims, { namespace, name }).then(
        () => false,
        (error: unknown) => isNotFound(error),
      ),
    );
  });
});
