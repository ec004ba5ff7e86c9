import { mkdir, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadImageArchive } from '../src/index.ts';
import { busyboxArchive } from './support/busybox-image.ts';
import { openChannels, until } from './support/channel-client.ts';
import { createShimFixture, skipReason } from './support/shim-fixture.ts';
import type { ShimFixture } from './support/shim-fixture.ts';

describe.skipIf(skipReason)(`Streaming${skipReason ? ` (skipped: ${skipReason})` : ''}`, () => {
  let shim: ShimFixture;
  let pod: Awaited<ReturnType<ShimFixture['runPod']>>;

  beforeAll(async () => {
    shim = await createShimFixture('10.202.0.0/24');
    await mkdir(path.join(shim.folder, 'image'));
    await loadImageArchive(shim.home, await busyboxArchive(path.join(shim.folder, 'image'), 'busybox:latest'), { runRoot: shim.runRoot });
    await shim.start();
    pod = await shim.runPod('streams');
  });
  afterAll(() => shim.destroy());

  it('runs commands with input, output and an exit code', async () => {
    const id = await shim.runContainer(pod, { metadata: { name: 'exec' } });
    const { url } = await shim.client.runtime.exec({
      containerId: id,
      cmd: ['sh', '-c', 'cat; echo oops >&2; exit 4'],
      stdin: true,
      stdout: true,
      stderr: true,
    });
    const client = await openChannels(url);
    client.send('typed');
    client.endStdin();
    const end = await client.ended;
    expect(client.out).toMatchObject({ stdout: 'typed', stderr: 'oops\n' });
    expect(end.details?.causes?.[0]?.message).toBe('4');
    await expect(openChannels(url)).rejects.toThrow('404');
  });

  it('says why a command cannot be run', async () => {
    const id = await shim.runContainer(pod, { metadata: { name: 'bad' } });
    const { url } = await shim.client.runtime.exec({ containerId: id, cmd: ['nothing-like-it'], stdout: true, stderr: true });
    expect((await (await openChannels(url)).ended).message).toContain('executable file not found');
  });

  it('gives a terminal that knows its size', async () => {
    const id = await shim.runContainer(pod, { metadata: { name: 'terminal' } });
    const { url } = await shim.client.runtime.exec({ containerId: id, cmd: ['sh'], tty: true, stdin: true, stdout: true });
    const client = await openChannels(url);
    client.resize(123, 45);
    // The size reaches a terminal soon after its first process started, not before.
    await until(async () => {
      client.send('stty size; echo term=$TERM\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return /45 123\r\nterm=xterm/.test(client.out.stdout);
    });
    client.send('exit 6\n');
    expect((await client.ended).details?.causes?.[0]?.message).toBe('6');
  });

  it('ends a command whose client went away', async () => {
    const id = await shim.runContainer(pod, { metadata: { name: 'left' } });
    const { url } = await shim.client.runtime.exec({ containerId: id, cmd: ['sleep', '4321'], stdin: true, stdout: true });
    const client = await openChannels(url);
    const running = async () =>
      Buffer.from((await shim.client.runtime.execSync({ containerId: id, cmd: ['ps'] })).stdout)
        .toString()
        .includes('sleep 4321');
    await until(running);
    client.close();
    await until(async () => !(await running()));
  });

  it('attaches to the first process', async () => {
    const id = await shim.runContainer(pod, {
      metadata: { name: 'attach' },
      command: ['sh', '-c', 'while read line; do echo got $line; echo err >&2; done; echo end'],
      stdin: true,
    });
    const { url } = await shim.client.runtime.attach({ containerId: id, stdin: true, stdout: true, stderr: true });
    const client = await openChannels(url);
    client.send('one\n');
    await until(() => client.out.stdout === 'got one\n' && client.out.stderr === 'err\n');
    client.close();
    const again = await openChannels((await shim.client.runtime.attach({ containerId: id, stdin: true, stdout: true, stderr: true })).url);
    again.send('two\n');
    await until(() => again.out.stdout === 'got two\n');
    await shim.client.runtime.stopContainer({ containerId: id, timeout: 0 });
    expect((await again.ended).status).toBe('Success');
  });

  it('attaches to a terminal, closes stdin once and reports the end', async () => {
    const id = await shim.runContainer(pod, { metadata: { name: 'tty' }, command: ['sh'], stdin: true, stdinOnce: true, tty: true });
    const client = await openChannels((await shim.client.runtime.attach({ containerId: id, stdin: true, stdout: true, tty: true })).url);
    client.resize(99, 33);
    await until(async () => {
      client.send('stty size\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      return client.out.stdout.includes('33 99');
    });
    client.send('exit 0\n');
    expect((await client.ended).status).toBe('Success');
    expect(await shim.waitExited(id)).toBe(0);
  });

  it('attaches megabytes without loss', async () => {
    const id = await shim.runContainer(pod, {
      metadata: { name: 'bulk' },
      command: ['sh', '-c', 'read go; yes 0123456789abcde | head -c 2000000'],
      stdin: true,
    });
    const client = await openChannels((await shim.client.runtime.attach({ containerId: id, stdin: true, stdout: true })).url);
    client.send('go\n');
    await client.ended;
    expect(client.out.stdout.length).toBe(2_000_000);
  });

  it('forwards ports of the pod', async () => {
    await shim.runContainer(pod, {
      metadata: { name: 'server' },
      command: ['sh', '-c', 'while :; do echo hello | nc -l -p 7070; done'],
    });
    const { url } = await shim.client.runtime.portForward({ podSandboxId: pod.id, port: [7070] });
    const socket = new WebSocket(url.replace('http:', 'ws:'), ['v4.channel.k8s.io']);
    let received = '';
    socket.on('message', (data: Buffer) => (received += data[0] === 0 ? data.subarray(1).toString('latin1') : ''));
    await until(() => received.endsWith('hello\n'));
    socket.terminate();
  });

  it('writes on to a new log after a rotation', async () => {
    const id = await shim.runContainer(pod, {
      metadata: { name: 'rotate' },
      command: ['sh', '-c', 'while read line; do echo $line; done'],
      stdin: true,
    });
    const log = path.join(shim.logs, 'streams', 'rotate', '0.log');
    const client = await openChannels((await shim.client.runtime.attach({ containerId: id, stdin: true, stdout: true })).url);
    client.send('first\n');
    await until(async () => (await readFile(log, 'utf8')).includes('first'));
    await rename(log, `${log}.old`);
    await shim.client.runtime.reopenContainerLog({ containerId: id });
    await until(() =>
      readFile(log, 'utf8').then(
        () => true,
        () => false,
      ),
    );
    client.send('second\n');
    await until(async () => (await readFile(log, 'utf8')).includes('second'));
    expect(await readFile(log, 'utf8')).not.toContain('first');
    client.close();
  });
});
