import type { HostPathVolumeSource } from '@bayplan/api';
import { mkdir, stat, writeFile } from 'node:fs/promises';

/** Checks that a path of the host is what the volume says it is, or makes it. Returns the path. */
export async function prepareHostPath(source: HostPathVolumeSource): Promise<string> {
  const { path, type = '' } = source;
  if (type === '') return path;
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  const present = await stat(path).catch(() => undefined);
  if (type === 'FileOrCreate' && present === undefined) {
    await writeFile(path, '', { flag: 'a', mode: 0o644 });
    return path;
  }
  const fits =
    present !== undefined &&
    ((type.startsWith('Directory') && present.isDirectory()) ||
      (type.startsWith('File') && present.isFile()) ||
      (type === 'Socket' && present.isSocket()) ||
      (type === 'CharDevice' && present.isCharacterDevice()) ||
      (type === 'BlockDevice' && present.isBlockDevice()));
  if (!fits) throw new Error(`hostPath type check failed: ${path} is not a ${describe(type)}`);
  return path;
}

function describe(type: string): string {
  if (type.startsWith('Directory')) return 'directory';
  if (type.startsWith('File')) return 'file';
  if (type === 'Socket') return 'socket file';
  return type === 'CharDevice' ? 'character device' : 'block device';
}
