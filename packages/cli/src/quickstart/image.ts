import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../host/prerequisites.ts';
import { UserError } from '../user-error.ts';

const run = promisify(execFile);

export const quickstartImage = 'bayplan.local/quickstart:v1';

/**
 * Builds the quickstart's image from what the host has: its busybox, the libraries that it is linked
 * with, and the folder `contentDir` as `/srv`. Resolves with the path of an OCI archive (a tar) in `outDir`.
 */
export async function buildQuickstartImage(contentDir: string, outDir: string): Promise<string> {
  await mkdir(outDir, { recursive: true });
  const work = await mkdtemp(path.join(outDir, 'build-'));
  try {
    const rootfs = path.join(work, 'rootfs');
    await layOutRootfs(rootfs, contentDir);
    const archive = await writeOciArchive(rootfs, work);
    const target = path.join(outDir, 'quickstart.tar');
    await rename(archive, target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function layOutRootfs(rootfs: string, contentDir: string): Promise<void> {
  for (const dir of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'lib', 'lib64'])
    await mkdir(path.join(rootfs, dir), { recursive: true, mode: 0o755 });
  await chmod(path.join(rootfs, 'tmp'), 0o1777);
  await cp(contentDir, path.join(rootfs, 'srv'), { recursive: true });
  const busybox = await findProgram('busybox');
  if (busybox === undefined)
    throw new UserError(
      'no busybox on this machine to build the quickstart image from',
      'install the package busybox, or use --no-quickstart',
    );
  await copyFile(busybox, path.join(rootfs, 'bin/busybox'));
  await chmod(path.join(rootfs, 'bin/busybox'), 0o755);
  for (const library of await linkedLibraries(busybox)) {
    await mkdir(path.join(rootfs, path.dirname(library)), { recursive: true });
    await copyFile(library, path.join(rootfs, library));
  }
  const { stdout } = await run(busybox, ['--list']);
  for (const applet of stdout.split('\n'))
    if (applet !== '' && applet !== 'busybox') await symlink('busybox', path.join(rootfs, 'bin', applet));
  await writeFile(path.join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/sh\n');
  await writeFile(path.join(rootfs, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
}

async function linkedLibraries(program: string): Promise<string[]> {
  // ldd exits with 1 for a static program.
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '').filter((file) => file !== '');
}

async function writeOciArchive(rootfs: string, work: string): Promise<string> {
  const layout = path.join(work, 'layout');
  const blobs = path.join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const addBlob = async (bytes: Buffer, mediaType: string): Promise<{ mediaType: string; digest: string; size: number }> => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(path.join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const layerTar = path.join(work, 'layer.tar');
  // The same input gives the same digest: names sorted, times and owners fixed.
  await run('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '-C', rootfs, '-cf', layerTar, '.']);
  const layer = await addBlob(await readFile(layerTar), 'application/vnd.oci.image.layer.v1.tar');
  const config = await addBlob(
    json({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: ['sh'], WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
      history: [{ created_by: 'bayplan quickstart' }],
    }),
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = await addBlob(
    json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: [layer] }),
    'application/vnd.oci.image.manifest.v1+json',
  );
  const named = {
    ...manifest,
    annotations: { 'org.opencontainers.image.ref.name': quickstartImage, 'io.containerd.image.name': quickstartImage },
  };
  await writeFile(path.join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    path.join(layout, 'index.json'),
    json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [named] }),
  );
  const archive = path.join(work, 'image.tar');
  await run('tar', ['-C', layout, '-cf', archive, 'oci-layout', 'index.json', 'blobs']);
  return archive;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
