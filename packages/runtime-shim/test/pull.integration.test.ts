import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxArchive } from './support/busybox-image.ts';
import { until } from './support/channel-client.ts';
import { createShimFixture, skipReason } from './support/shim-fixture.ts';
import type { ShimFixture } from './support/shim-fixture.ts';

const run = promisify(execFile);
const tools = ['/usr/bin/docker-registry', '/usr/bin/skopeo'].find((file) => !existsSync(file));
const reason = skipReason || (tools ? `needs ${tools}` : false);

describe.skipIf(reason)(`Pulling from a registry${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let shim: ShimFixture;
  let registry: ChildProcess;
  let host: string;

  beforeAll(async () => {
    shim = await createShimFixture('10.204.0.0/24');
    const probe = net.createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    host = `127.0.0.1:${port}`;
    const config = path.join(shim.folder, 'registry.yml');
    await writeFile(
      config,
      `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${shim.folder}/registry}}\nhttp: {addr: "${host}"}\n`,
    );
    registry = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    await until(() => new Promise((resolve) => net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))));
    await mkdir(path.join(shim.folder, 'image'));
    const archive = await busyboxArchive(path.join(shim.folder, 'image'), 'test:1', [{ 'etc/added': 'above\n', '.wh.gone': '' }]);
    const copy = (target: string, ...options: string[]) =>
      run('skopeo', [
        'copy',
        '--insecure-policy',
        '--dest-tls-verify=false',
        ...options,
        `docker-archive:${archive}`,
        `docker://${host}/${target}`,
      ]);
    await copy('team/docker:1');
    await copy('team/oci:1', '--format', 'oci');
    await copy('team/zstd:1', '--format', 'oci', '--dest-compress-format', 'zstd');
    await shim.start();
  });
  afterAll(async () => {
    registry.kill();
    await shim.destroy();
  });

  it('pulls Docker and OCI images, gzip and zstd layers, and shares layers', async () => {
    for (const repository of ['docker', 'oci', 'zstd']) {
      const image = `${host}/team/${repository}:1`;
      const { imageRef } = await shim.client.image.pullImage({ image: { image } });
      expect(imageRef).toMatch(new RegExp(`^${host}/team/${repository}@sha256:`));
      expect((await shim.client.image.imageStatus({ image: { image: imageRef } })).image?.repoTags).toContain(image);
    }
    expect((await readdir(path.join(shim.home, 'runtime/layers'))).filter((name) => !name.startsWith('.'))).toHaveLength(2);
    expect(await readdir(path.join(shim.home, 'runtime/scratch/blobs'))).toEqual([]);
  });

  it('runs a pulled image and keeps it while it is in use', async () => {
    const image = `${host}/team/zstd:1`;
    const pod = await shim.runPod('pulled');
    const id = await shim.runContainer(pod, { image: { image }, command: ['sh', '-c', 'cat /etc/added; ls -d /gone'] });
    expect(await shim.waitExited(id)).toBe(1);
    expect(await shim.log('pulled', 'main')).toContain('above');
    await expect(shim.client.image.removeImage({ image: { image } })).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    await shim.client.runtime.removePodSandbox({ podSandboxId: pod.id });
    for (const { id: imageId } of (await shim.client.image.listImages({})).images)
      await shim.client.image.removeImage({ image: { image: imageId } });
    expect((await readdir(path.join(shim.home, 'runtime/layers'))).filter((name) => !name.startsWith('.'))).toEqual([]);
  });

  it('pulls once for many at the same time, and says when there is no such image', async () => {
    const image = { image: `${host}/team/docker:1` };
    const refs = await Promise.all([1, 2, 3, 4].map(() => shim.client.image.pullImage({ image })));
    expect(new Set(refs.map(({ imageRef }) => imageRef)).size).toBe(1);
    await expect(shim.client.image.pullImage({ image: { image: `${host}/team/none:1` } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
