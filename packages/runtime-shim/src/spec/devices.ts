import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Device } from '@bayplan/rpc';
import type { OciDevice, OciDeviceRule } from './oci-types.ts';

/** Made by the runtime in every container, or belonging to its terminal. */
const notCopied = new Set([
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
  'console',
  'ptmx',
  'pts',
  'shm',
  'mqueue',
  'fd',
  'stdin',
  'stdout',
  'stderr',
  'core',
  '.lxc',
]);

async function deviceAt(hostPath: string, containerPath: string): Promise<OciDevice | undefined> {
  const stats = await stat(hostPath);
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) return undefined;
  // The numbers are packed as in makedev(3).
  const major = ((stats.rdev >>> 8) & 0xfff) | (Math.floor(stats.rdev / 2 ** 32) & ~0xfff);
  const minor = (stats.rdev & 0xff) | (Math.floor(stats.rdev / 2 ** 12) & ~0xff & 0xfffff);
  const type = stats.isBlockDevice() ? 'b' : 'c';
  return { path: containerPath, type, major, minor, fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid };
}

async function devicesBelow(hostPath: string, containerPath: string): Promise<OciDevice[]> {
  const found: OciDevice[] = [];
  for (const entry of await readdir(hostPath, { withFileTypes: true })) {
    if (hostPath === '/dev' && notCopied.has(entry.name)) continue;
    const [from, to] = [path.join(hostPath, entry.name), path.join(containerPath, entry.name)];
    if (entry.isDirectory()) found.push(...(await devicesBelow(from, to)));
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      const device = await deviceAt(from, to);
      if (device !== undefined) found.push(device);
    }
  }
  return found;
}

/** The device nodes of a container: those asked for (a folder stands for all in it), and all of the host's when privileged. */
export async function findDevices(wanted: readonly Device[], privileged: boolean): Promise<OciDevice[]> {
  const found = privileged ? await devicesBelow('/dev', '/dev') : [];
  for (const { hostPath, containerPath } of wanted) {
    const single = await deviceAt(hostPath, containerPath || hostPath);
    if (single !== undefined) found.push(single);
    else found.push(...(await devicesBelow(hostPath, containerPath || hostPath)));
  }
  return [...new Map(found.map((device) => [device.path, device])).values()];
}

/** What the cgroup allows for these nodes; `rwm` unless the request says less. */
export function deviceRules(devices: readonly OciDevice[], wanted: readonly Device[]): OciDeviceRule[] {
  return devices.map(({ path: file, type, major, minor }) => {
    const request = wanted.find((device) => file === device.containerPath || file.startsWith(`${device.containerPath}/`));
    return { allow: true, type, major, minor, access: request?.permissions || 'rwm' };
  });
}
