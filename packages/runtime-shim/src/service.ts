import { RpcError } from '@bayplan/rpc';
import type { CallContext, CriHandlers, ImageServiceHandlers, RuntimeServiceHandlers } from '@bayplan/rpc';
import type { Runtime } from './runtime.ts';
import { replaceFile } from './state/record-store.ts';
import { containerStatus } from './verbs/container-status.ts';
import { createContainer } from './verbs/create-container.ts';
import { execSync } from './verbs/exec-sync.ts';
import { imageFsInfo, listImages, removeImage } from './verbs/images.ts';
import { listContainers } from './verbs/list-containers.ts';
import { listPodSandbox } from './verbs/list-pod-sandbox.ts';
import { podSandboxStatus } from './verbs/pod-sandbox-status.ts';
import { removeContainer } from './verbs/remove-container.ts';
import { removePodSandbox } from './verbs/remove-pod-sandbox.ts';
import { reopenContainerLog } from './verbs/reopen-container-log.ts';
import { runPodSandbox } from './verbs/run-pod-sandbox.ts';
import { startContainer } from './verbs/start-container.ts';
import { containerStats, listContainerStats, listPodSandboxStats, podSandboxStats } from './verbs/stats.ts';
import { status, version } from './verbs/status.ts';
import { stopContainer } from './verbs/stop-container.ts';
import { stopPodSandbox } from './verbs/stop-pod-sandbox.ts';
import { updateContainerResources } from './verbs/update-container-resources.ts';

/** How many objects one message of a streamed list carries. */
const streamChunk = 500;

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += streamChunk) yield items.slice(at, at + streamChunk);
}

/** CRI's two services over a runtime. */
export function criHandlers(runtime: Runtime): CriHandlers {
  return { runtime: wrap(runtime, runtimeHandlers(runtime)), image: wrap(runtime, imageHandlers(runtime)) };
}

function runtimeHandlers(runtime: Runtime): RuntimeServiceHandlers {
  return {
    version: async () => version(),
    status: async (request) => status(runtime, request.verbose),
    runPodSandbox: (request) => runPodSandbox(runtime, request),
    stopPodSandbox: (request) => stopPodSandbox(runtime, request.podSandboxId).then(() => ({})),
    removePodSandbox: (request) => removePodSandbox(runtime, request.podSandboxId).then(() => ({})),
    podSandboxStatus: async (request) => podSandboxStatus(runtime, request),
    listPodSandbox: async (request) => ({ items: listPodSandbox(runtime, request.filter) }),
    streamPodSandboxes: async function* (request) {
      for (const podSandboxes of chunks(listPodSandbox(runtime, request.filter))) yield { podSandboxes };
    },
    createContainer: (request) => createContainer(runtime, request),
    startContainer: (request) => startContainer(runtime, request.containerId).then(() => ({})),
    stopContainer: (request, { signal }) => stopContainer(runtime, request.containerId, request.timeout * 1000, signal).then(() => ({})),
    removeContainer: (request) => removeContainer(runtime, request.containerId).then(() => ({})),
    listContainers: async (request) => ({ containers: listContainers(runtime, request.filter) }),
    streamContainers: async function* (request) {
      for (const containers of chunks(listContainers(runtime, request.filter))) yield { containers };
    },
    containerStatus: async (request) => containerStatus(runtime, request),
    updateContainerResources: (request) => updateContainerResources(runtime, request).then(() => ({})),
    reopenContainerLog: (request) => reopenContainerLog(runtime, request.containerId).then(() => ({})),
    execSync: (request, { signal }) => execSync(runtime, request, signal),
    // What sessions need (HTTP, WebSocket, zlib) is loaded on first use: most nodes rarely see one.
    exec: async (request) => (await import('./verbs/exec.ts')).exec(runtime, request),
    attach: async (request) => (await import('./verbs/attach.ts')).attach(runtime, request),
    portForward: async (request) => (await import('./verbs/port-forward.ts')).portForward(runtime, request),
    getContainerEvents: (_request, { signal }) => runtime.events.listen(signal),
    containerStats: (request) => containerStats(runtime, request.containerId),
    listContainerStats: async (request) => ({ stats: await listContainerStats(runtime, request.filter) }),
    streamContainerStats: async function* (request) {
      for (const stats of chunks(await listContainerStats(runtime, request.filter))) yield { containerStats: stats };
    },
    podSandboxStats: (request) => podSandboxStats(runtime, request.podSandboxId),
    listPodSandboxStats: async (request) => ({ stats: await listPodSandboxStats(runtime, request.filter) }),
    streamPodSandboxStats: async function* (request) {
      for (const podSandboxStats of chunks(await listPodSandboxStats(runtime, request.filter))) yield { podSandboxStats };
    },
    updateRuntimeConfig: (request) => updateRuntimeConfig(runtime, request.runtimeConfig?.networkConfig?.podCidr ?? ''),
    runtimeConfig: async () => ({ linux: { cgroupDriver: 'CGROUPFS' } }),
    // The agent owns the pod's cgroup; there is nothing to change below it.
    updatePodSandboxResources: async () => ({}),
  };
}

function imageHandlers(runtime: Runtime): ImageServiceHandlers {
  return {
    listImages: async (request) => ({ images: await listImages(runtime, request.filter?.image?.image ?? '') }),
    streamImages: async function* (request) {
      for (const images of chunks(await listImages(runtime, request.filter?.image?.image ?? ''))) yield { images };
    },
    imageStatus: async (request) => {
      const [image] = request.image?.image ? await listImages(runtime, request.image.image) : [];
      return image === undefined ? {} : { image };
    },
    pullImage: async (request, { signal }) => (await import('./verbs/pull-image.ts')).pullImage(runtime, request, signal),
    removeImage: (request) => removeImage(runtime, request.image?.image ?? '').then(() => ({})),
    imageFsInfo: () => imageFsInfo(runtime),
  };
}

async function updateRuntimeConfig(runtime: Runtime, podCidr: string): Promise<object> {
  if (podCidr === '') return {};
  // A node of two address families names both ranges; the first IPv4 one is used.
  const range = podCidr.split(',').find((item) => !item.includes(':')) ?? podCidr;
  await runtime.network.configure(range);
  await replaceFile(runtime.layout.networkConfig, JSON.stringify({ podCidr: range }));
  return {};
}

type AnyHandler = (request: never, context: CallContext) => Promise<object> | AsyncIterable<object>;

/** Gives every failure a code, and logs those that are not the caller's doing. */
function wrap<Handlers extends object>(runtime: Runtime, handlers: Handlers): Handlers {
  const wrapped: Record<string, AnyHandler> = {};
  for (const [name, handler] of Object.entries(handlers) as [string, AnyHandler][]) {
    wrapped[name] = (request, context) => {
      const result = handler(request, context);
      return result instanceof Promise ? result.catch((error: unknown) => Promise.reject(coded(runtime, context.method, error))) : result;
    };
  }
  return wrapped as Handlers;
}

function coded(runtime: Runtime, method: string, error: unknown): RpcError {
  if (error instanceof RpcError && error.code !== 'UNKNOWN' && error.code !== 'INTERNAL') return error;
  runtime.logger.error('Failed a call', { method, err: error });
  if (error instanceof RpcError) return error;
  return new RpcError('UNKNOWN', error instanceof Error ? error.message : String(error), { cause: error });
}
