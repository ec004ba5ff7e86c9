import { isDeepStrictEqual } from 'node:util';
import { RpcError } from '@bayplan/rpc';
import type { RunPodSandboxRequest, RunPodSandboxResponse } from '@bayplan/rpc';
import { hierarchiesWithout } from '../cgroup-folders.ts';
import { newId, nowNanos, podCgroup } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { dismantleSandbox, setUpSandbox } from '../sandbox-setup.ts';
import type { SandboxRecord } from '../state/records.ts';

/**
 * Makes a pod's namespaces, files and network. Asked again for the same attempt of the same pod, it
 * returns the sandbox that exists.
 */
export async function runPodSandbox(runtime: Runtime, request: RunPodSandboxRequest): Promise<RunPodSandboxResponse> {
  const { config } = request;
  const metadata = config?.metadata;
  if (config === undefined || metadata === undefined) throw new RpcError('INVALID_ARGUMENT', 'A pod sandbox needs metadata');
  if (!(request.runtimeHandler in runtime.handlers)) {
    throw new RpcError('INVALID_ARGUMENT', `There is no runtime handler ${request.runtimeHandler}`);
  }
  const key = `pod/${metadata.namespace}/${metadata.name}/${metadata.uid}/${metadata.attempt}`;
  return runtime.locks.run(key, async () => {
    const same = runtime.sandboxes.all().find((record) => isDeepStrictEqual(record.config.metadata, metadata));
    if (same?.phase === 'ready') return { podSandboxId: same.id };
    if (same !== undefined) throw new RpcError('ALREADY_EXISTS', `Attempt ${metadata.attempt} of this pod is sandbox ${same.id}`);
    const record: SandboxRecord = {
      version: 1,
      id: newId(),
      phase: 'creating',
      config,
      runtimeHandler: request.runtimeHandler,
      createdAt: nowNanos(runtime),
      bootId: await runtime.host.bootId(),
      ips: [],
      ownHierarchies: await hierarchiesWithout(podCgroup(config), runtime.cgroupV2),
    };
    await runtime.sandboxes.add(record);
    try {
      await setUpSandbox(runtime, record);
      record.phase = 'ready';
      await runtime.sandboxes.save(record);
    } catch (error) {
      await dismantleSandbox(runtime, record);
      await runtime.sandboxes.remove(record.id);
      throw error;
    }
    return { podSandboxId: record.id };
  });
}
