import { describe, expect, it } from 'vitest';
import type { Service } from '@bayplan/api';
import { credentialsFor } from '../src/images/registry-credentials.ts';
import { fieldValue, resourceValue } from '../src/runtime/downward.ts';
import { containerConfig } from '../src/runtime/container-config.ts';
import { expandReferences } from '../src/runtime/expansion.ts';
import { hostsFile } from '../src/runtime/hosts-file.ts';
import { qosClassOf } from '../src/runtime/qos.ts';
import { containerResources, podLimits } from '../src/runtime/resources.ts';
import { dnsConfig, parseResolvConf, podHostname } from '../src/runtime/sandbox-config.ts';
import { containerSecurity, runAsNonRootProblem } from '../src/runtime/security.ts';
import { serviceEnvironment } from '../src/runtime/service-environment.ts';
import { makeContainer, makePod } from './support/pods.ts';

const gib = 1024 ** 3;
const node = { memoryBytes: 4 * gib, lowestOomScoreAdj: -1000 };
const around = {
  podLogsDir: '/logs',
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  hostDns: { servers: ['192.0.2.53'], searches: ['example.org'], options: ['edns0'] },
  nodeName: 'n',
  security: { seccompDefault: true, seccompDir: '/seccomp' },
  cgroupParent: '/kubepods',
};

describe('Expansion of references', () => {
  it.each([
    ['$(A)-$(B)', '1-$(B)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$A ${A} $(', '$A ${A} $('],
  ])('%s becomes %s', (text, expected) => {
    expect(expandReferences(text, new Map([['A', '1']]))).toBe(expected);
  });
});

describe('Mounts', () => {
  it('are read-only where the agent writes the files itself', async () => {
    const names = ['map', 'secret', 'projected', 'fields', 'scratch'];
    const pod = makePod({
      containers: [makeContainer('c', { volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) })],
      volumes: [
        { name: 'map', configMap: { name: 'x' } },
        { name: 'secret', secret: { secretName: 'x' } },
        { name: 'projected', projected: { sources: [] } },
        { name: 'fields', downwardAPI: {} },
        { name: 'scratch', emptyDir: {} },
      ],
    });
    const spec = pod.spec?.containers[0] ?? makeContainer('c');
    const config = await containerConfig(
      pod,
      { spec, role: 'main', fieldPath: '' },
      {
        attempt: 0,
        restartDelayMs: 0,
        imageRef: 'i',
        imageUser: { uid: 0, username: '' },
        environment: new Map(),
        volumes: new Map(names.map((name) => [name, `/v/${name}`])),
        bindSubPath: () => Promise.reject(new Error('not expected')),
        hostsFile: '/h',
        terminationFile: '/t',
        node,
        security: around.security,
      },
    );
    const writable = config.mounts?.filter((mount) => mount.readonly !== true).map((mount) => mount.containerPath);
    expect(writable).toEqual(['/scratch', '/etc/hosts', '/dev/termination-log']);
  });

  it('hands on where a part of a volume was mounted, never the path inside the volume', async () => {
    const spec = makeContainer('c', {
      volumeMounts: [
        { name: 'scratch', mountPath: '/whole' },
        { name: 'scratch', mountPath: '/part', subPath: 'a/b', readOnly: true },
        { name: 'scratch', mountPath: '/expanded', subPathExpr: '$(WHO)/x' },
      ],
    });
    const pod = makePod({ containers: [spec], volumes: [{ name: 'scratch', emptyDir: {} }] });
    const config = await containerConfig(
      pod,
      { spec, role: 'main', fieldPath: '' },
      {
        attempt: 0,
        restartDelayMs: 0,
        imageRef: 'i',
        imageUser: { uid: 0, username: '' },
        environment: new Map([['WHO', 'me']]),
        volumes: new Map([['scratch', '/v/scratch']]),
        bindSubPath: (place, volumePath, subPath) =>
          Promise.resolve(`bound:${place.volume}:${place.container}:${String(place.index)}:${volumePath}:${subPath}`),
        hostsFile: '/h',
        terminationFile: '/t',
        node,
        security: around.security,
      },
    );
    expect(config.mounts?.slice(0, 3).map((mount) => [mount.containerPath, mount.hostPath, mount.readonly])).toEqual([
      ['/whole', '/v/scratch', false],
      ['/part', 'bound:scratch:c:1:/v/scratch:a/b', true],
      ['/expanded', 'bound:scratch:c:2:/v/scratch:me/x', false],
    ]);
  });
});

describe('Variables of Services', () => {
  it('follows the form that Docker links had, and skips headless Services', () => {
    const service = (name: string, clusterIP: string): Service => ({
      metadata: { name, namespace: 'ns' },
      spec: { clusterIP, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    });
    expect(Object.fromEntries(serviceEnvironment([service('my-web', '10.0.0.1'), service('none', 'None')]))).toEqual({
      MY_WEB_SERVICE_HOST: '10.0.0.1',
      MY_WEB_SERVICE_PORT: '80',
      MY_WEB_SERVICE_PORT_HTTP: '80',
      MY_WEB_PORT: 'tcp://10.0.0.1:80',
      MY_WEB_PORT_80_TCP: 'tcp://10.0.0.1:80',
      MY_WEB_PORT_80_TCP_PROTO: 'tcp',
      MY_WEB_PORT_80_TCP_PORT: '80',
      MY_WEB_PORT_80_TCP_ADDR: '10.0.0.1',
    });
  });
});

describe('Resources', () => {
  const limits = { cpu: '500m', memory: '1Gi' };
  it.each([
    ['BestEffort', {}],
    ['Burstable', { requests: { cpu: '100m' } }],
    ['Burstable', { limits: { cpu: '1' } }],
    ['Guaranteed', { limits }],
    ['Guaranteed', { limits, requests: limits }],
    ['Burstable', { limits, requests: { cpu: '100m', memory: '1Gi' } }],
  ])('%s for %j', (expected, resources) => {
    expect(qosClassOf(makePod({ containers: [makeContainer('main', { resources })] }))).toBe(expected);
  });

  it('turns requests and limits into shares, quota and memory', () => {
    const container = makeContainer('main', {
      resources: { requests: { cpu: '250m', memory: '1Gi' }, limits: { cpu: '500m', memory: '2Gi' } },
    });
    const pod = makePod({ containers: [container] });
    // 250 * 1024 / 1000 = 256; 500 * 100000 / 1000 = 50000; 1000 - 1000 * 1 GiB / 4 GiB = 750.
    expect(containerResources(pod, container, node)).toEqual({
      cpuShares: 256,
      cpuPeriod: 100_000,
      cpuQuota: 50_000,
      memoryLimitInBytes: 2 * gib,
      oomScoreAdj: 750,
    });
    expect(podLimits(pod)).toEqual({ cpuShares: 256, cpuQuotaUs: 50_000, memoryBytes: 2 * gib });
  });

  it('limits a pod only where all its containers are limited', () => {
    const pod = makePod({ containers: [makeContainer('a', { resources: { limits: { cpu: '1' } } }), makeContainer('b')] });
    expect(podLimits(pod)).toEqual({ cpuShares: 1024, cpuQuotaUs: undefined, memoryBytes: undefined });
  });

  it('never asks for a score that this process may not give', () => {
    const container = makeContainer('main', { resources: { limits } });
    const pod = makePod({ containers: [container] });
    expect(containerResources(pod, container, node).oomScoreAdj).toBe(-997);
    expect(containerResources(pod, container, { ...node, lowestOomScoreAdj: 0 }).oomScoreAdj).toBe(0);
  });
});

describe('Names of a pod', () => {
  it('searches the cluster first', () => {
    expect(dnsConfig(makePod(), around)).toEqual({
      servers: ['10.96.0.10'],
      searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.org'],
      options: ['ndots:5'],
    });
  });

  it('takes the host on its network, and only what the pod says with None', () => {
    expect(dnsConfig(makePod({ hostNetwork: true }), around).servers).toEqual(['192.0.2.53']);
    const own = makePod({
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'], options: [{ name: 'ndots', value: '2' }] },
    });
    expect(dnsConfig(own, around)).toEqual({ servers: ['1.1.1.1'], searches: ['x'], options: ['ndots:2'] });
  });

  it('reads a resolv.conf', () => {
    expect(parseResolvConf('# c\nnameserver 1.1.1.1\nsearch a b\noptions ndots:2 rotate\n')).toEqual({
      servers: ['1.1.1.1'],
      searches: ['a', 'b'],
      options: ['ndots:2', 'rotate'],
    });
  });

  it('cuts host names to what Linux takes', () => {
    const pod = makePod();
    pod.metadata.name = `${'a'.repeat(62)}-b`;
    expect(podHostname(pod, 'cluster.local')).toBe('a'.repeat(62));
  });

  it('lists addresses and aliases in the hosts file', () => {
    const text = hostsFile(
      makePod({ hostname: 'h', subdomain: 'sub', hostAliases: [{ ip: '9.9.9.9', hostnames: ['a', 'b'] }] }),
      ['10.0.0.1'],
      'h',
      'cluster.local',
      '',
    );
    expect(text).toContain('10.0.0.1\th.sub.ns.svc.cluster.local\th\n');
    expect(text).toContain('9.9.9.9\ta\tb\n');
  });
});

describe('Fields of a pod', () => {
  const surroundings = {
    nodeName: 'n',
    hostIp: '1.1.1.1',
    podIps: ['2.2.2.2'],
    allocatable: { cpuMilli: 1500, memoryBytes: 5 * gib, ephemeralBytes: 9 },
  };
  it('resolves paths', () => {
    const pod = makePod();
    pod.metadata.labels = { b: '2', a: '1' };
    expect(fieldValue(pod, 'metadata.labels', surroundings)).toBe('a="1"\nb="2"');
    expect(fieldValue(pod, "metadata.labels['b']", surroundings)).toBe('2');
    expect(fieldValue(pod, 'status.podIP', surroundings)).toBe('2.2.2.2');
  });

  it('rounds resources up and falls back to the node', () => {
    const container = makeContainer('main', { resources: { requests: { cpu: '1100m' } } });
    const pod = makePod({ containers: [container] });
    expect(resourceValue(pod, container, { resource: 'requests.cpu' }, surroundings)).toBe('2');
    expect(resourceValue(pod, container, { resource: 'requests.cpu', divisor: '1m' }, surroundings)).toBe('1100');
    expect(resourceValue(pod, container, { resource: 'limits.cpu' }, surroundings)).toBe('2');
    expect(resourceValue(pod, container, { resource: 'limits.memory', divisor: '1Mi' }, surroundings)).toBe(String(5 * 1024));
  });
});

describe('Security', () => {
  const image = { uid: 0, username: '' };
  it('defaults to the runtime profile and hides parts of /proc', () => {
    const security = containerSecurity(makePod(), makeContainer('main'), image, around.security);
    expect(security).toMatchObject({
      privileged: false,
      seccomp: { profileType: 'RuntimeDefault' },
      namespaceOptions: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' },
    });
    expect(security.maskedPaths).toContain('/proc/kcore');
  });

  it('lets the container overrule the pod', () => {
    const container = makeContainer('main', { securityContext: { runAsUser: 7, capabilities: { add: ['CAP_NET_ADMIN'], drop: ['ALL'] } } });
    expect(
      containerSecurity(makePod({ securityContext: { runAsUser: 5, runAsGroup: 6, fsGroup: 9 } }), container, image, around.security),
    ).toMatchObject({
      runAsUser: { value: 7 },
      runAsGroup: { value: 6 },
      supplementalGroups: [9],
      capabilities: { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] },
    });
  });

  it.each([
    [{ runAsNonRoot: true }, { uid: 0, username: '' }, /image will run as root/],
    [{ runAsNonRoot: true }, { uid: undefined, username: 'web' }, /non-numeric user \(web\)/],
    [{ runAsNonRoot: true, runAsUser: 0 }, { uid: 5, username: '' }, /breaks non-root policy/],
    [{ runAsNonRoot: true, runAsUser: 3 }, { uid: 0, username: '' }, undefined],
    [{}, { uid: 0, username: '' }, undefined],
  ])('non-root with %j and image %j: %s', (securityContext, user, expected) => {
    const problem = runAsNonRootProblem(makePod(), makeContainer('main', { securityContext }), user, 'p');
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(expected);
  });
});

describe('Registry credentials', () => {
  it('picks the longest matching path', () => {
    const config = JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth: Buffer.from('hub:h').toString('base64') },
        'r.example': { username: 'all', password: 'a' },
        'r.example/team': { username: 'team', password: 't' },
      },
    });
    const users = (image: string) => credentialsFor(image, [config, 'not json']).map((one) => one.username);
    expect(users('r.example/team/app:1')).toEqual(['team', 'all']);
    expect(users('nginx')).toEqual(['hub']);
    expect(users('other.example/x')).toEqual([]);
  });
});
