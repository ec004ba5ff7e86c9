import { resources, statusOf } from '@bayplan/api';
import type { Pod, PodSpec } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { subjectOf } from '../../src/admission/pod-security/check.ts';
import { detailText, violationsOf } from '../../src/admission/pod-security/evaluate.ts';
import type { Level } from '../../src/admission/pod-security/policy.ts';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

const judge = (spec: PodSpec, level: Level, minor = Infinity, annotations: Record<string, string> = {}): string =>
  detailText(violationsOf(subjectOf({ name: 'p', annotations }, spec), { level, minor }));
const secure = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
const one = (securityContext: object, extra: object = {}): PodSpec => ({ containers: [{ name: 'c', securityContext }], ...extra });

describe('the standards', () => {
  it('restricted names all that a plain pod lacks', () => {
    expect(judge({ containers: [{ name: 'c' }] }, 'restricted')).toBe(
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    expect(judge(one(secure), 'restricted')).toBe('');
    expect(judge({ containers: [{ name: 'c' }] }, 'baseline')).toBe('');
  });

  const baseline: [string, PodSpec, string][] = [
    ['shared namespaces', one({}, { hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
    [
      'ports of the host',
      {
        containers: [
          { name: 'a', ports: [{ containerPort: 1, hostPort: 80 }] },
          { name: 'b', ports: [{ containerPort: 1, hostPort: 443 }] },
        ],
      },
      'hostPort (containers "a", "b" use hostPorts 443, 80)',
    ],
    ['folders of the host', { containers: [], volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
    ['privilege', one({ privileged: true }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    [
      'capabilities',
      one({ capabilities: { add: ['NET_RAW', 'CHOWN', 'BPF'] } }),
      'non-default capabilities (container "c" must not include "BPF", "NET_RAW" in securityContext.capabilities.add)',
    ],
    [
      'SELinux',
      one({ seLinuxOptions: { type: 'x', user: 'u' } }, { securityContext: { seLinuxOptions: { role: 'r' } } }),
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "x"; user may not be set; role may not be set)',
    ],
    [
      'seccomp',
      one({ seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'AppArmor',
      one({ appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    ['sysctls', one({}, { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }), 'forbidden sysctls (kernel.msgmax)'],
    ['an unmasked /proc', one({ procMount: 'Unmasked' }), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    [
      'probes of other hosts',
      { containers: [{ name: 'c', livenessProbe: { httpGet: { port: 1, host: '10.0.0.1' } } }] },
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      'processes of a Windows host',
      one({ windowsOptions: { hostProcess: true } }),
      'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ];
  it.each(baseline)('baseline forbids %s', (_name, spec, expected) => {
    expect(judge(spec, 'baseline')).toBe(expected);
  });

  it('restricted says once what baseline would say as well', () => {
    const spec = one({ ...secure, capabilities: { drop: ['ALL'], add: ['BPF'] } }, { volumes: [{ name: 'v', hostPath: { path: '/' } }] });
    expect(judge(spec, 'restricted')).toBe(
      'unrestricted capabilities (container "c" must not include "BPF" in securityContext.capabilities.add), ' +
        'restricted volume types (volume "v" uses restricted volume type "hostPath")',
    );
  });

  it('goes by the version asked for', () => {
    const probe: PodSpec = { containers: [{ name: 'c', livenessProbe: { tcpSocket: { port: 1, host: 'h' } } }] };
    expect([judge(probe, 'baseline', 33), judge(probe, 'baseline', 34)]).toEqual(['', expect.stringContaining('probe') as string]);
    const sysctl = one({}, { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } });
    expect([judge(sysctl, 'baseline', 31), judge(sysctl, 'baseline', 32)]).toEqual(['forbidden sysctls (net.ipv4.tcp_rmem)', '']);
    const windows = one({ runAsNonRoot: true }, { os: { name: 'windows' } });
    expect(judge(windows, 'restricted', 25)).toBe('');
    expect(judge(windows, 'restricted', 24)).toContain('allowPrivilegeEscalation');
    const mapped = one({ ...secure, runAsNonRoot: undefined, runAsUser: 0 }, { hostUsers: false });
    expect(judge(mapped, 'restricted')).toBe('');
    expect(judge(mapped, 'restricted', 34)).toContain('runAsUser=0 (container "c" must not set runAsUser=0)');
    const annotated = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' };
    expect(judge(one({}), 'baseline', 18, annotated)).toBe(
      'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
    );
    expect(judge(one({}), 'baseline', 19, annotated)).toBe('');
  });
});

describe('admission', () => {
  let api: TestApiServer;
  let admin: Client;
  beforeAll(async () => {
    api = await startTestApiServer({ listen: false, admission: { podSecurity: { exemptions: { usernames: ['trusted'] } } } });
    admin = createClient(api.admin);
  });
  afterAll(() => api.close());

  const namespace = async (name: string, labels: Record<string, string>): Promise<void> => {
    const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]));
    await admin.create(resources.namespaces, { metadata: { name, labels: prefixed } });
    await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace: name } });
  };
  const pod = (name: string, ns: string, spec: object = {}): Pod => ({
    metadata: { name, namespace: ns },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec } as PodSpec,
  });
  const refusal = async (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('should have been refused'),
      (error: unknown) => statusOf(error),
    );
  const send = async (method: 'POST' | 'PUT', path: string, value: object) =>
    api.server.handle({
      method,
      path,
      query: new URLSearchParams(),
      headers: {},
      body: { kind: 'object', value },
      peer: { kind: 'loopback', identity: { name: 'ann', groups: ['system:masters'] } },
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
    });

  it('refuses pods, and warns of workloads', async () => {
    await namespace('strict', { enforce: 'baseline', 'enforce-version': 'v1.30', warn: 'restricted' });
    expect((await refusal(admin.create(resources.pods, pod('p', 'strict', { hostNetwork: true }))))?.message).toBe(
      'pods "p" is forbidden: violates PodSecurity "baseline:v1.30": host namespaces (hostNetwork=true)',
    );
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { hostPID: true, containers: [{ name: 'c', image: 'i', securityContext: secure }] },
    };
    const { status, headers } = await send('POST', '/apis/apps/v1/namespaces/strict/deployments', {
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    });
    expect(status).toBe(201);
    expect(headers['warning']).toEqual(['299 - "would violate PodSecurity \\"restricted:latest\\": host namespaces (hostPID=true)"']);
  });

  it('checks images and ephemeral containers of pods that exist, and nothing else of them', async () => {
    await namespace('later', {});
    const made = await admin.create(resources.pods, pod('p', 'later', { hostNetwork: true }));
    const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
    await admin.patch(resources.namespaces, { name: 'later' }, 'merge', { metadata: { labels } });
    await admin.patch(resources.pods, { namespace: 'later', name: 'p' }, 'merge', { metadata: { labels: { x: 'y' } } });
    const containers = made.spec?.containers.map((container) => ({ ...container, image: 'other' }));
    expect((await refusal(admin.patch(resources.pods, { namespace: 'later', name: 'p' }, 'merge', { spec: { containers } })))?.code).toBe(
      403,
    );
  });

  it('warns of pods that a stricter label would not let in', async () => {
    await namespace('old', {});
    for (const name of ['b', 'a', 'c'])
      await admin.create(resources.pods, pod(name, 'old', { hostIPC: name !== 'c', hostPID: name === 'c' }));
    const found = await admin.get(resources.namespaces, { name: 'old' });
    const labels = { ...found.metadata.labels, 'pod-security.kubernetes.io/enforce': 'baseline' };
    const { headers } = await send('PUT', '/api/v1/namespaces/old', { ...found, metadata: { ...found.metadata, labels } });
    expect(headers['warning']).toEqual([
      '299 - "existing pods in namespace \\"old\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
      '299 - "a (and 2 other pods): host namespaces"',
    ]);
  });

  it('refuses labels that mean nothing', async () => {
    const status = await refusal(namespace('bad', { enforce: 'strict', 'warn-version': '1.2' }));
    expect(status?.code).toBe(422);
    expect(status?.message).toBe(
      'Namespace "bad" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]',
    );
  });

  it('exempts whom it is told to', async () => {
    await namespace('exempted', { enforce: 'restricted' });
    const trusted = createClient(api.as({ name: 'trusted', groups: ['system:masters'] }));
    await trusted.create(resources.pods, pod('p', 'exempted', { hostNetwork: true }));
  });
});
