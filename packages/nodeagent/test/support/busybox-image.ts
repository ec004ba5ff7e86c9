import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Applets that the tests use. */
const applets = [
  'sh',
  'cat',
  'echo',
  'sleep',
  'ls',
  'id',
  'true',
  'false',
  'touch',
  'env',
  'hostname',
  'ip',
  'nc',
  'wget',
  'mount',
  'kill',
  'ps',
  'stty',
  'head',
  'dd',
  'grep',
  'tail',
  'rm',
  'mkdir',
  'sync',
  'ping',
  'wc',
  'yes',
  'httpd',
  'trap',
];

export interface LayerFiles {
  readonly [file: string]: string;
}

async function layerTar(folder: string, name: string): Promise<{ file: string; diffId: string }> {
  const file = path.join(folder, `${name}.tar`);
  await run('tar', ['-cf', file, '-C', path.join(folder, name), '.']);
  return {
    file,
    diffId: `sha256:${createHash('sha256')
      .update(await readFile(file))
      .digest('hex')}`,
  };
}

/**
 * Writes a docker-archive with Debian's static busybox and, as more layers, the given files (names
 * that start with `.wh.` are whiteouts). Returns its path.
 */
export async function busyboxArchive(
  folder: string,
  tag: string,
  moreLayers: readonly LayerFiles[] = [],
  config: object = {},
): Promise<string> {
  const root = path.join(folder, 'base');
  for (const sub of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'gone']) await mkdir(path.join(root, sub), { recursive: true });
  await chmod(path.join(root, 'tmp'), 0o1777);
  await copyFile('/usr/bin/busybox', path.join(root, 'bin/busybox')).catch(() => copyFile('/bin/busybox', path.join(root, 'bin/busybox')));
  for (const applet of applets) await symlink('busybox', path.join(root, 'bin', applet));
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n');
  await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nweb:x:1001:\nextra:x:2000:web\n');
  await writeFile(path.join(root, 'gone/file'), 'below');
  const layers = [await layerTar(folder, 'base')];
  for (const [index, files] of moreLayers.entries()) {
    const name = `layer${index}`;
    await mkdir(path.join(folder, name));
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name, file)), { recursive: true });
      await writeFile(path.join(folder, name, file), content);
    }
    layers.push(await layerTar(folder, name));
  }
  const imageConfig = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin', 'FROM_IMAGE=yes'], Cmd: ['sleep', '1000'], ...config },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  };
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(imageConfig));
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: layers.map((layer) => path.basename(layer.file)) }];
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = path.join(folder, 'image.tar');
  await run('tar', ['-cf', archive, '-C', folder, 'manifest.json', 'config.json', ...layers.map((layer) => path.basename(layer.file))]);
  return archive;
}
