import { execFile } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';

const run = promisify(execFile);

/** Host programs that a node needs, and the Debian package of each. */
const requiredPrograms: Readonly<Record<string, string>> = {
  runc: 'runc',
  conmon: 'conmon',
  nft: 'nftables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  socat: 'socat',
  tar: 'tar',
  zstd: 'zstd',
  setfattr: 'attr',
  mount: 'mount',
  nsenter: 'util-linux',
};

const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The full path of a program, or undefined. `sbin` folders count even when PATH lacks them. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const dir of [...(process.env['PATH'] ?? '').split(':'), ...searchPath]) {
    if (dir === '') continue;
    try {
      await access(path.join(dir, name), constants.X_OK);
      return path.join(dir, name);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Rejects with a `UserError` unless this machine can run containers as this user. Installs what Debian packages. */
export async function ensureNodePrerequisites(progress: Progress, alsoNeeded: Readonly<Record<string, string>> = {}): Promise<void> {
  if (process.platform !== 'linux')
    throw new UserError(
      `containers need Linux, this is ${process.platform}`,
      'try `npm run up -- --hollow 3` for a control plane with simulated nodes',
    );
  if (process.getuid?.() !== 0)
    throw new UserError('running containers needs root', 'use sudo, or try `npm run up -- --hollow 3` without it');
  await checkKernel();
  const missing: string[] = [];
  for (const [program, packageName] of Object.entries({ ...requiredPrograms, ...alsoNeeded }))
    if ((await findProgram(program)) === undefined) missing.push(packageName);
  if (missing.length > 0) await installPackages(missing, progress);
}

/** Installs Debian packages. Rejects with a `UserError` where there is no `apt-get` or it fails. */
export async function installPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const names = packages.join(' ');
  if ((await findProgram('apt-get')) === undefined)
    throw new UserError(`missing: ${names}`, 'install them with the package manager of this system');
  progress.step(`Installing packages: ${names}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  try {
    await run('apt-get', install, { env, maxBuffer: 64 << 20 }).catch(async () => {
      await run('apt-get', ['update', '-q'], { env, maxBuffer: 64 << 20 });
      await run('apt-get', install, { env, maxBuffer: 64 << 20 });
    });
  } catch (error) {
    const detail = ((error as { stderr?: string }).stderr ?? String(error)).trim().split('\n').at(-1) ?? '';
    throw new UserError(`apt-get could not install ${names} (${detail})`, 'install them by hand and try again');
  }
}

async function checkKernel(): Promise<void> {
  const filesystems = await readFile('/proc/filesystems', 'utf8');
  if (!/\boverlay\b/.test(filesystems)) {
    await run('modprobe', ['overlay']).catch(() => {
      throw new UserError('the kernel has no overlayfs', 'load the module `overlay` or use a kernel that has it');
    });
  }
  const cgroups = await readFile('/proc/self/mountinfo', 'utf8');
  if (!/ - cgroup2? /.test(cgroups)) throw new UserError('no cgroup hierarchy is mounted', 'mount cgroup2 on /sys/fs/cgroup');
  for (const namespace of ['net', 'pid', 'ipc', 'uts', 'mnt']) {
    await access(`/proc/self/ns/${namespace}`).catch(() => {
      throw new UserError(`the kernel has no ${namespace} namespaces`, 'use a kernel that has them');
    });
  }
}

/** Rejects with a `UserError` when another program listens on `port` already. */
export async function ensurePortFree(port: number, flag: string, address = '0.0.0.0'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new UserError(
          `port ${port} cannot be used (${error.code ?? error.message})`,
          `stop what listens there, or choose another port with ${flag}`,
        ),
      );
    });
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve()));
  });
}
