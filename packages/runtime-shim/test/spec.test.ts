import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Mount } from '@bayplan/rpc';
import { parseMountInfo } from '../src/host/linux-host.ts';
import { choosePlatform } from '../src/images/image-config.ts';
import { layerNames } from '../src/images/layer-store.ts';
import { parseReference, tagName } from '../src/images/reference.ts';
import { convertWhiteouts } from '../src/images/whiteouts.ts';
import { containerCapabilities } from '../src/spec/capabilities.ts';
import { orderMounts, podMount } from '../src/spec/mounts.ts';
import { ociLimits } from '../src/spec/resources.ts';
import { defaultSeccompProfile } from '../src/spec/seccomp-default.ts';
import { signalNumber } from '../src/spec/signals.ts';
import { resolveUser } from '../src/spec/user.ts';
import { PacketDump } from '../src/streams/packet-dump.ts';
import { UsageRates } from '../src/usage-rates.ts';
import { FakeHost } from './support/fake-host.ts';

const everything = 2n ** 41n - 1n;

describe('Capabilities', () => {
  it.each([
    ['the default set', undefined, false, 14],
    ['nothing', { addCapabilities: [], dropCapabilities: ['ALL'] }, false, 0],
    ['one of all dropped', { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] }, false, 1],
    ['all but one', { addCapabilities: ['ALL'], dropCapabilities: ['CAP_SYS_ADMIN'] }, false, 40],
    ['all when privileged', undefined, true, 41],
  ])('give %s', (_what, changes, privileged, count) => {
    expect(containerCapabilities(changes, privileged, everything)).toHaveLength(count);
  });

  it('never exceed those of the shim', () => {
    // Bit 24 is SYS_RESOURCE.
    expect(containerCapabilities(undefined, true, everything & ~(1n << 24n))).not.toContain('CAP_SYS_RESOURCE');
  });
});

describe('The default seccomp profile', () => {
  it('allows namespaces and mounts only with their capability', () => {
    const names = (capabilities: string[]) =>
      defaultSeccompProfile(capabilities)
        .syscalls.filter((rule) => rule.action === 'SCMP_ACT_ALLOW' && !rule.args)
        .flatMap((rule) => rule.names);
    expect(names([])).toEqual(expect.arrayContaining(['read', 'openat', 'futex', 'execve']));
    for (const name of ['mount', 'unshare', 'bpf', 'ptrace_never', 'reboot', 'init_module', 'keyctl', 'clone'])
      expect(names([])).not.toContain(name);
    expect(names(['CAP_SYS_ADMIN'])).toEqual(expect.arrayContaining(['mount', 'unshare', 'clone', 'clone3']));
  });

  it('names no call twice', () => {
    const plain = defaultSeccompProfile(['CAP_SYS_ADMIN', 'CAP_BPF', 'CAP_SYSLOG'])
      .syscalls.filter((rule) => !rule.args)
      .flatMap((rule) => rule.names);
    expect(plain.length).toBe(new Set(plain).size);
  });
});

describe('Users', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'bayplan-user-'));
    await mkdir(path.join(root, 'etc'));
    await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv:/bin/sh\n');
    await writeFile(path.join(root, 'etc/group'), 'web:x:1001:\nlog:x:50:other,web\n');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const ask = { imageUser: '', supplementalGroups: [], mergeImageGroups: true };

  it('come from the image, then from the pod', async () => {
    expect(await resolveUser(root, { ...ask, imageUser: 'web' })).toEqual({ uid: 1000, gid: 1001, groups: [50], home: '/srv' });
    expect(await resolveUser(root, { ...ask, imageUser: 'web:log' })).toMatchObject({ uid: 1000, gid: 50 });
    expect(await resolveUser(root, { ...ask, imageUser: 'web', runAsUser: 0, runAsGroup: 7 })).toEqual({
      uid: 0,
      gid: 7,
      groups: [],
      home: '/root',
    });
    expect(await resolveUser(root, { ...ask, imageUser: '4242' })).toEqual({ uid: 4242, gid: 0, groups: [], home: '/' });
    expect(await resolveUser(root, { ...ask, imageUser: 'web', mergeImageGroups: false, supplementalGroups: [9] })).toMatchObject({
      groups: [9],
    });
    await expect(resolveUser(root, { ...ask, imageUser: 'nobody' })).rejects.toThrow('no user nobody');
  });

  it('are never read from outside of the image', async () => {
    await rm(path.join(root, 'etc/passwd'));
    await symlink('../../../../../../etc/passwd', path.join(root, 'etc/passwd'));
    await expect(resolveUser(root, { ...ask, imageUser: 'root' })).rejects.toThrow('Too many links');
    await rm(path.join(root, 'etc'), { recursive: true });
    await symlink('/proc/self', path.join(root, 'etc'));
    await expect(resolveUser(root, { ...ask, imageUser: 'root' })).rejects.toThrow('no user root');
  });
});

describe('A hostile image', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'bayplan-hostile-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('cannot make the shim read a pipe or device for ever', async () => {
    await mkdir(path.join(root, 'etc'));
    await promisify(execFile)('mkfifo', [path.join(root, 'etc/passwd')]);
    const ask = { imageUser: 'root', supplementalGroups: [], mergeImageGroups: true };
    await expect(resolveUser(root, ask)).rejects.toThrow('no user root');
    await expect(resolveUser(root, { ...ask, imageUser: '' })).resolves.toMatchObject({ uid: 0 });
  });

  it('hides nothing outside of its layer', async () => {
    const host = new FakeHost();
    const layer = path.join(root, 'layer');
    await mkdir(path.join(root, 'outside'));
    await mkdir(layer);
    await symlink('../outside', path.join(layer, 'link'));
    const markers = ['.wh.link', '.wh..', '.wh...', '.wh.gone'].map((name) => path.join(layer, name));
    for (const marker of markers) await writeFile(marker, '');
    host.answer = (command) => (command.startsWith('find') ? { stdout: Buffer.from(markers.join('\0')) } : undefined);
    await convertWhiteouts(host, layer);
    expect(host.commands.filter((command) => command.startsWith('setfattr'))).toEqual([]);
    expect(host.commands.at(-1)).toMatch(/ sh .*layer\/gone$/);
  });
});

describe('Small parts', () => {
  it('parse image names', () => {
    expect(tagName(parseReference('busybox'))).toBe('docker.io/library/busybox:latest');
    expect(tagName(parseReference('localhost:5000/a/b:1.2'))).toBe('localhost:5000/a/b:1.2');
    expect(parseReference(`ghcr.io/x/y:tag@sha256:${'0'.repeat(64)}`)).toMatchObject({
      registry: 'ghcr.io',
      repository: 'x/y',
      tag: 'tag',
    });
    expect(tagName(parseReference(`x@sha256:${'0'.repeat(64)}`))).toBeUndefined();
    for (const bad of ['', 'UPPER', 'a b', 'x/../y']) expect(() => parseReference(bad)).toThrow('Not an image name');
  });

  it('choose the platform of the machine', () => {
    const entry = (architecture: string, os = 'linux') => ({
      mediaType: '',
      digest: architecture,
      size: 0,
      annotations: {},
      platform: { os, architecture, variant: '' },
    });
    expect(choosePlatform([entry('amd64', 'windows'), entry('arm64'), entry('amd64')], 'x64').platform).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
    });
    expect(() => choosePlatform([entry('s390x')], 'x64')).toThrow('linux/amd64');
  });

  it('name layers by all that is below them', () => {
    const [a, b] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`);
    expect(layerNames([a ?? '', b ?? ''])[0]).toBe('a'.repeat(20));
    expect(layerNames([a ?? '', b ?? ''])[1]).not.toBe(layerNames([b ?? '', b ?? ''])[1]);
  });

  it('order mounts so that none hides another', () => {
    const mount = (containerPath: string): Mount => ({
      containerPath,
      hostPath: '/h',
      readonly: false,
      selinuxRelabel: false,
      propagation: 'PROPAGATION_PRIVATE',
      uidMappings: [],
      gidMappings: [],
      recursiveReadOnly: false,
      imageSubPath: '',
      mountOptions: [],
    });
    const system = [
      { destination: '/etc/hosts', type: 'bind', source: 's', options: [] },
      { destination: '/dev', type: 'tmpfs', source: 't', options: [] },
    ];
    const ordered = orderMounts(system, ['/a/b/c', '/a/', '/etc/hosts', '/a/b'].map(mount).map(podMount)).map(
      ({ destination }) => destination,
    );
    expect(ordered).toEqual(['/dev', '/a/', '/etc/hosts', '/a/b', '/a/b/c']);
  });

  it('turn limits into those of cgroups', () => {
    const none = {
      cpuPeriod: 0,
      cpuQuota: 0,
      cpuShares: 0,
      memoryLimitInBytes: 0,
      oomScoreAdj: 0,
      cpusetCpus: '',
      cpusetMems: '',
      hugepageLimits: [],
      unified: {},
      memorySwapLimitInBytes: 0,
    };
    expect(ociLimits(none)).toEqual({});
    expect(ociLimits({ ...none, memoryLimitInBytes: 100, cpuQuota: -1 })).toEqual({
      memory: { limit: 100, swap: 100 },
      cpu: { quota: -1 },
    });
  });

  it('know signals by all their names', () => {
    expect(['SIGTERM', 'term', '9', 'SIGRTMIN+3', 'RTMINPLUS3', 'SIGRTMAX-1', 'nonsense'].map(signalNumber)).toEqual([
      15, 15, 9, 37, 37, 63, 15,
    ]);
  });

  it('read mount points with spaces', () => {
    expect(parseMountInfo('22 27 0:21 / /a\\040b rw,relatime - proc proc rw\n')).toEqual([{ mountPoint: '/a b', fsType: 'proc' }]);
  });

  it('read packets of one direction, however the dump is cut', () => {
    const text =
      '> 2026/11/23 20:48:15.000091640  length=3 from=0 to=2\n 02 68 69\n< 2026/11/23 20:48:15.0  length=1 from=0 to=0\n 7a\n> 2026/11/23 20:48:15.1  length=2 from=3 to=4\n 03\n 0a\n';
    for (const step of [1, 7, 1000]) {
      const packets: string[] = [];
      const dump = new PacketDump('>', (packet) => packets.push(packet.toString('hex')));
      for (let at = 0; at < text.length; at += step) dump.add(Buffer.from(text.slice(at, at + step)));
      expect(packets).toEqual(['026869', '030a']);
    }
  });

  it('turn totals into rates between questions', () => {
    const rates = new UsageRates();
    expect(rates.perSecond('a', 100, 1e9)).toBeUndefined();
    // Half a second later is too soon; two seconds after the first, 300 more came.
    expect(rates.perSecond('a', 150, 1.5e9)).toBeUndefined();
    expect(rates.perSecond('a', 400, 3e9)).toBe(150);
    expect(rates.perSecond('a', 500, 4e9)).toBe(100);
    expect(rates.perSecond('a', 10, 5e9)).toBeUndefined();
  });
});
