import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRoutedNetwork, hostLinkName } from '../src/index.ts';
import type { NetworkCommandResult } from '../src/index.ts';
import { formatIpv4, parseIpv4, parseIpv4Range } from '../src/ipv4.ts';

let folder: string;
let ran: string[];
let fail: (line: string) => string | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-network-'));
  await mkdir(path.join(folder, 'links'));
  ran = [];
  fail = () => undefined;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Records commands and keeps a folder of links as the kernel would. */
const commands = {
  async run(command: string, args: readonly string[], options?: { readonly stdin?: string }): Promise<NetworkCommandResult> {
    const line = [command, ...args, options?.stdin ?? ''].join(' ');
    ran.push(line);
    const fault = fail(line);
    if (fault !== undefined) return { exitCode: 1, stdout: Buffer.alloc(0), stderr: Buffer.from(fault) };
    const added = /link add (bp\w+)/.exec(line)?.[1];
    const removed = /link delete (bp\w+)/.exec(line)?.[1];
    if (added) await writeFile(path.join(folder, 'links', added), '');
    if (removed) await rm(path.join(folder, 'links', removed));
    return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  },
};

const open = (podCidr?: string) =>
  createRoutedNetwork({
    stateFolder: path.join(folder, 'addresses'),
    linksFolder: path.join(folder, 'links'),
    commands,
    ...(podCidr ? { podCidr } : {}),
  });

describe('The routed network', () => {
  it('makes a link and routes with two commands', async () => {
    const network = await open('10.128.4.0/22');
    expect(await network.setup({ sandboxId: 'one', netnsPath: '/run/x/net' })).toEqual({ ips: ['10.128.4.2'] });
    const name = hostLinkName('one');
    expect(name).toMatch(/^bp[0-9a-f]{12}$/);
    expect(ran).toHaveLength(2);
    // 0a:58 and the four bytes of 10.128.4.2.
    expect(ran[0]).toContain(
      `link add ${name} address ee:ee:ee:ee:ee:ee type veth peer name eth0 address 0a:58:0a:80:04:02 netns /run/x/net`,
    );
    expect(ran[0]).toContain(`route replace 10.128.4.2/32 dev ${name} scope link`);
    expect(ran[1]).toMatch(/^nsenter --net=\/run\/x\/net ip -batch -/);
    expect(ran[1]).toContain('route add default via 169.254.1.1 dev eth0');
  });

  it('gives the same address again without doing anything', async () => {
    const network = await open('10.128.4.0/22');
    await network.setup({ sandboxId: 'one', netnsPath: '/n' });
    expect(await network.setup({ sandboxId: 'one', netnsPath: '/n' })).toEqual({ ips: ['10.128.4.2'] });
    expect(ran).toHaveLength(2);
  });

  it('leaves nothing behind when a step fails', async () => {
    const network = await open('10.128.4.0/22');
    fail = (line) => (line.startsWith('nsenter') ? 'no such namespace' : undefined);
    await expect(network.setup({ sandboxId: 'one', netnsPath: '/n' })).rejects.toThrow(
      'Cannot set up the network of a pod: no such namespace',
    );
    expect(await readdir(path.join(folder, 'links'))).toEqual([]);
    expect(await readdir(path.join(folder, 'addresses'))).toEqual([]);
  });

  it('keeps addresses over a restart, and frees those of pods that are gone', async () => {
    const before = await open('10.128.4.0/22');
    await before.setup({ sandboxId: 'one', netnsPath: '/n' });
    await before.setup({ sandboxId: 'two', netnsPath: '/n' });
    const after = await open('10.128.4.0/22');
    await after.retain(new Set(['two']));
    expect(await readdir(path.join(folder, 'addresses'))).toEqual(['10.128.4.3']);
    expect(await readdir(path.join(folder, 'links'))).toEqual([hostLinkName('two')]);
    await after.teardown('two');
    await after.teardown('two');
    expect(await readdir(path.join(folder, 'addresses'))).toEqual([]);
  });

  it('does not touch links of others', async () => {
    await writeFile(path.join(folder, 'links', 'bp0123456789ab'), '');
    const network = await open('10.128.4.0/22');
    await network.retain(new Set());
    expect(ran).toEqual([]);
  });

  it('needs a range, and says when it is used up', async () => {
    const network = await open();
    expect(network.notReadyReason()).toBe('The node has no range of pod addresses yet');
    await network.configure('10.1.0.0/29');
    expect(network.notReadyReason()).toBeUndefined();
    // Eight addresses less network, node and broadcast.
    for (const id of ['a', 'b', 'c', 'd', 'e']) await network.setup({ sandboxId: id, netnsPath: '/n' });
    await expect(network.setup({ sandboxId: 'f', netnsPath: '/n' })).rejects.toThrow('in use');
    await network.teardown('c');
    expect(await network.setup({ sandboxId: 'f', netnsPath: '/n' })).toEqual({ ips: ['10.1.0.4'] });
  });
});

describe('IPv4', () => {
  it('parses and prints', () => {
    expect(formatIpv4(parseIpv4('255.1.2.3'))).toBe('255.1.2.3');
    expect(parseIpv4Range('10.128.5.9/22')).toEqual({ base: parseIpv4('10.128.4.0'), size: 1024 });
    for (const bad of ['1.2.3', '1.2.3.256', '01.2.3.4', 'a.b.c.d']) expect(() => parseIpv4(bad)).toThrow('Not an IPv4 address');
    expect(() => parseIpv4Range('1.2.3.4/33')).toThrow('Not an IPv4 range');
  });
});
