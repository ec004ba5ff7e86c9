import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { QosClass } from '../runtime/qos.ts';

/** Limits of a pod or QoS cgroup. What is undefined is left as the kernel has it. */
export interface CgroupLimits {
  readonly cpuShares?: number | undefined;
  /** Microseconds in a period of 100 ms. */
  readonly cpuQuotaUs?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
}

export const cpuPeriodUs = 100_000;

/** Makes and removes the cgroups above those of containers, on cgroup v1, hybrid and v2 alike. */
export interface PodCgroups {
  /** What CRI gets as `cgroup_parent`. */
  parentOf(qos: QosClass, uid: string): string;
  /** Makes the root and the QoS cgroups. */
  prepare(): Promise<void>;
  create(qos: QosClass, uid: string, limits: CgroupLimits): Promise<void>;
  /** Succeeds when it is gone already; fails while processes are in it. */
  remove(qos: QosClass, uid: string): Promise<void>;
  /** Uids of the pods that have a cgroup. */
  list(): Promise<{ readonly qos: QosClass; readonly uid: string }[]>;
}

interface Hierarchy {
  readonly directory: string;
  readonly controllers: ReadonlySet<string>;
  readonly unified: boolean;
}

const limiting = ['cpu', 'memory', 'pids'];
const qosFolders: Readonly<Record<QosClass, string>> = { Guaranteed: '', Burstable: 'burstable', BestEffort: 'besteffort' };

/** @param mount where hierarchies are mounted; @param root parent of all, such as `/kubepods`. */
export async function createPodCgroups(mount: string, root: string): Promise<PodCgroups> {
  const hierarchies = await findHierarchies(mount);
  const folderOf = (qos: QosClass, uid?: string): string =>
    path.posix.join(root, qosFolders[qos], ...(uid === undefined ? [] : [`pod${uid}`]));

  const make = async (folder: string, limits: CgroupLimits): Promise<void> => {
    for (const hierarchy of hierarchies) {
      // The runtime makes the others when it puts a container there.
      if (!limiting.some((controller) => hierarchy.controllers.has(controller))) continue;
      // Parents first: v2 hands controllers down one level at a time.
      let built = hierarchy.directory;
      for (const part of folder.split('/').filter((one) => one !== '')) {
        if (hierarchy.unified) await handDown(built, hierarchy.controllers);
        built = path.join(built, part);
        await mkdir(built).catch(ignoring('EEXIST'));
      }
      for (const [file, value] of settings(hierarchy, limits)) await writeFile(path.join(built, file), value);
    }
  };

  return {
    parentOf: (qos, uid) => folderOf(qos, uid),
    async prepare() {
      for (const qos of ['Guaranteed', 'Burstable', 'BestEffort'] as const)
        await make(folderOf(qos), qos === 'BestEffort' ? { cpuShares: 2 } : {});
    },
    create: (qos, uid, limits) => make(folderOf(qos, uid), limits),
    async remove(qos, uid) {
      for (const hierarchy of hierarchies) await removeTree(path.join(hierarchy.directory, folderOf(qos, uid)));
    },
    async list() {
      const found = new Map<string, QosClass>();
      for (const hierarchy of hierarchies) {
        for (const qos of ['Guaranteed', 'Burstable', 'BestEffort'] as const) {
          const names = await readdir(path.join(hierarchy.directory, folderOf(qos))).catch(() => []);
          for (const name of names) if (name.startsWith('pod')) found.set(name.slice(3), qos);
        }
      }
      return [...found].map(([uid, qos]) => ({ uid, qos }));
    },
  };
}

async function findHierarchies(mount: string): Promise<Hierarchy[]> {
  const unifiedControllers = await readFile(path.join(mount, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  if (unifiedControllers !== undefined)
    return [{ directory: mount, controllers: new Set(unifiedControllers.trim().split(/\s+/)), unified: true }];
  const found: Hierarchy[] = [];
  const directories = new Set<string>();
  for (const entry of await readdir(mount, { withFileTypes: true }).catch(() => [])) {
    // Links such as `cpu -> cpu,cpuacct` name a hierarchy that is there under its real name.
    if (!entry.isDirectory()) continue;
    const directory = path.join(mount, entry.name);
    if (directories.has(directory)) continue;
    directories.add(directory);
    const unified = entry.name === 'unified';
    if (unified) found.push({ directory, controllers: new Set(), unified });
    else found.push({ directory, controllers: new Set(entry.name.split(',')), unified });
  }
  return found;
}

async function handDown(directory: string, controllers: ReadonlySet<string>): Promise<void> {
  for (const controller of ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb']) {
    // A controller that the parent does not hand down stays off here: its limits are then skipped too.
    if (controllers.has(controller))
      await writeFile(path.join(directory, 'cgroup.subtree_control'), `+${controller}`).catch(
        ignoring('EINVAL', 'ENOENT', 'EBUSY', 'EOPNOTSUPP'),
      );
  }
}

function settings(hierarchy: Hierarchy, limits: CgroupLimits): [string, string][] {
  const lines: [string, string | undefined][] = [];
  const { controllers, unified } = hierarchy;
  const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));
  if (controllers.has('cpu')) {
    if (unified) {
      lines.push(['cpu.weight', limits.cpuShares === undefined ? undefined : String(weightOf(limits.cpuShares))]);
      lines.push(['cpu.max', limits.cpuQuotaUs === undefined ? undefined : `${String(limits.cpuQuotaUs)} ${String(cpuPeriodUs)}`]);
    } else {
      lines.push(['cpu.shares', text(limits.cpuShares)]);
      lines.push(['cpu.cfs_period_us', limits.cpuQuotaUs === undefined ? undefined : String(cpuPeriodUs)]);
      lines.push(['cpu.cfs_quota_us', text(limits.cpuQuotaUs)]);
    }
  }
  if (controllers.has('memory')) lines.push([unified ? 'memory.max' : 'memory.limit_in_bytes', text(limits.memoryBytes)]);
  if (controllers.has('pids')) lines.push(['pids.max', text(limits.pids)]);
  return lines.filter((line): line is [string, string] => line[1] !== undefined);
}

/** cgroup v2 weight for v1 shares, the linear map of the OCI runtimes: 2..262144 to 1..10000. */
export function weightOf(shares: number): number {
  return Math.floor(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(directory, entry.name));
  await rmdir(directory).catch(ignoring('ENOENT'));
}

function ignoring(...codes: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code === undefined || !codes.includes(error.code)) throw error;
  };
}

/** Removes the root of all pods' cgroups with everything in it, but for those that processes are in. Returns these. */
export async function removePodCgroups(mount: string, root: string): Promise<string[]> {
  const busy: string[] = [];
  for (const hierarchy of await findHierarchies(mount)) busy.push(...(await removeFree(path.join(hierarchy.directory, root))));
  return busy;
}

async function removeFree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const busy: string[] = [];
  for (const entry of entries) if (entry.isDirectory()) busy.push(...(await removeFree(path.join(directory, entry.name))));
  if (busy.length > 0) return busy;
  return rmdir(directory).then(
    () => [],
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      if (error.code === 'EBUSY' || error.code === 'ENOTEMPTY') return [directory];
      throw error;
    },
  );
}
