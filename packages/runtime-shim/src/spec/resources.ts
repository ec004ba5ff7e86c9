import type { LinuxContainerResources } from '@bayplan/rpc';
import type { OciResources } from './oci-types.ts';

/** The cgroup limits that CRI's numbers stand for; zero means not set. */
export function ociLimits(resources: LinuxContainerResources | undefined): Omit<OciResources, 'devices'> {
  if (resources === undefined) return {};
  const memory = {
    ...(resources.memoryLimitInBytes > 0 ? { limit: resources.memoryLimitInBytes } : {}),
    // No swap beyond the memory limit unless asked for: swap counts both (memory.memsw).
    ...(resources.memorySwapLimitInBytes !== 0
      ? { swap: resources.memorySwapLimitInBytes }
      : resources.memoryLimitInBytes > 0
        ? { swap: resources.memoryLimitInBytes }
        : {}),
  };
  const cpu = {
    ...(resources.cpuShares > 0 ? { shares: resources.cpuShares } : {}),
    ...(resources.cpuQuota !== 0 ? { quota: resources.cpuQuota } : {}),
    ...(resources.cpuPeriod > 0 ? { period: resources.cpuPeriod } : {}),
    ...(resources.cpusetCpus !== '' ? { cpus: resources.cpusetCpus } : {}),
    ...(resources.cpusetMems !== '' ? { mems: resources.cpusetMems } : {}),
  };
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(resources.hugepageLimits.length > 0 ? { hugepageLimits: resources.hugepageLimits } : {}),
    ...(Object.keys(resources.unified).length > 0 ? { unified: resources.unified } : {}),
  };
}
