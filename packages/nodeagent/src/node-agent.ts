import { resources } from '@bayplan/api';
import type { Pod, Service } from '@bayplan/api';
import { createEventRecorder, createInformer, dropManagedFields } from '@bayplan/client';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createPodCgroups } from './cgroups/pod-cgroups.ts';
import { ownHostCommands } from './host-commands.ts';
import { ImageCollector } from './images/image-collector.ts';
import { createImagePuller } from './images/image-puller.ts';
import { createNodeAgentMetrics } from './metrics.ts';
import { readHostInfo } from './node/host-info.ts';
import { keepNodeLease } from './node/node-lease.ts';
import { NodeReporter } from './node/node-reporter.ts';
import type { NodeAgent, NodeAgentOptions } from './options.ts';
import { Limiter } from './pods/limiter.ts';
import type { PodContext } from './pods/pod-context.ts';
import { podEvent } from './pods/pod-context.ts';
import { PodManager } from './pods/pod-manager.ts';
import { ProbeManager } from './probes/probe-manager.ts';
import { createObjectSource } from './runtime/object-source.ts';
import { createPodRuntime } from './runtime/pod-runtime.ts';
import { createNodeApiGuard } from './server/authentication.ts';
import { serveNodeApi } from './server/node-api.ts';
import { nodeApiRoutes } from './server/routes.ts';
import { createStatusWriter } from './status/status-writer.ts';
import { localPathAnnotation } from './volumes/local-path-names.ts';
import { createClaimVolumes } from './volumes/claim-volumes.ts';
import { removeLocalFolders } from './volumes/local-folders.ts';
import { createTokenSource } from './volumes/service-account-tokens.ts';
import { createMemoryMounts } from './volumes/shared-memory.ts';
import { createSubPathMounts } from './volumes/sub-path-mounts.ts';
import { createVolumeManager } from './volumes/volume-manager.ts';

const runtimeReadyMs = 60_000;

/**
 * Starts the agent of one node: registers the node, runs the pods that are bound to it, and serves the
 * node API. Resolves when the node API listens and the agent has begun to work; `ready` says when the
 * node is Ready. Rejects when the runtime does not answer or the port is taken. Containers outlive it.
 */
export async function startNodeAgent(options: NodeAgentOptions): Promise<NodeAgent> {
  const { client, cri, clock, logger, signal, home, nodeName } = options;
  const metrics = createNodeAgentMetrics(options.metrics);
  metrics.nodeName.set({ node: nodeName }, 1);
  metrics.nodeConfigError.set(0);
  await mkdir(path.join(home, 'pods'), { recursive: true });
  await cri.ready(runtimeReadyMs);
  const host = await readHostInfo(home);
  const runtime = createPodRuntime(cri, clock, metrics);
  const { runtimeName } = await runtime.operation('version', () => cri.runtime.version({}, { signal }));
  const cgroups = await createPodCgroups(options.cgroupMount ?? '/sys/fs/cgroup', options.cgroupRoot ?? '/kubepods');
  await cgroups.prepare();
  const objects = createObjectSource(client, clock);
  const localPathRoot = path.join(home, 'local-path');
  const volumes = createVolumeManager({
    home,
    objects,
    tokens: createTokenSource(client, clock),
    memory: createMemoryMounts(options.hostCommands ?? ownHostCommands),
    subPaths: createSubPathMounts(options.hostCommands ?? ownHostCommands),
    claims: createClaimVolumes({ client, root: localPathRoot, nodeName }),
    clock,
    metrics,
  });
  await volumes.prepare();

  const reserved = { cpuMilli: options.reserved?.cpuMilli ?? 0, memoryBytes: options.reserved?.memoryBytes ?? 0 };
  const podLogsDir = options.podLogsDir ?? '/var/log/pods';
  const services =
    options.informers?.informer(resources.services) ??
    createInformer<Service>({ client, ref: resources.services, transform: dropManagedFields, clock, logger });
  const podInformer = createInformer<Pod>({
    client,
    ref: resources.pods,
    fieldSelector: `spec.nodeName=${nodeName}`,
    transform: dropManagedFields,
    clock,
    logger,
  });
  const events = createEventRecorder({ client, clock, logger, component: 'kubelet', host: nodeName, signal });
  const managed: { manager?: PodManager } = {};
  const context: PodContext = {
    nodeName,
    hostIp: options.nodeIp,
    runtimeName,
    client,
    runtime,
    images: createImagePuller(runtime, objects, clock),
    imageCollector: new ImageCollector({ runtime, home, clock, logger }),
    objects,
    volumes,
    cgroups,
    probes: new ProbeManager({
      runtime,
      clock,
      signal,
      changed: (uid) => managed.manager?.wake(uid),
      failed: (pod, container, kind, output) => {
        const name = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
        podEvent(context, pod, 'Warning', 'Unhealthy', `${name} probe failed: ${output}`, container.fieldPath);
      },
    }),
    statuses: createStatusWriter({ client, clock, logger, metrics, signal }),
    events,
    starts: new Limiter(options.parallelStarts ?? 4),
    sandbox: {
      podLogsDir,
      clusterDns: options.clusterDns,
      clusterDomain: options.clusterDomain ?? 'cluster.local',
      hostDns: host.dns,
      nodeName,
      security: { seccompDefault: options.seccompDefault ?? true, seccompDir: path.join(home, 'seccomp') },
    },
    machine: { memoryBytes: host.memoryBytes, lowestOomScoreAdj: host.lowestOomScoreAdj },
    allocatable: {
      cpuMilli: host.cpuCount * 1000 - reserved.cpuMilli,
      memoryBytes: host.memoryBytes - reserved.memoryBytes,
      ephemeralBytes: host.ephemeralBytes,
    },
    apiService: options.apiService,
    services: (namespace) => services.lister.list(namespace),
    podLogsDir,
    clock,
    logger,
    metrics,
    signal,
  };
  const manager = new PodManager(context, podInformer);
  managed.manager = manager;

  const server = await serveNodeApi({
    certificates: options.certificates,
    address: options.listenAddress ?? '0.0.0.0',
    port: options.port ?? 10_250,
    guard: createNodeApiGuard(client, nodeName, clock),
    routes: nodeApiRoutes({ context, manager, registry: options.metrics }),
    clock,
    logger,
    signal,
  });
  const reporter = new NodeReporter({
    client,
    runtime,
    home,
    facts: {
      name: nodeName,
      ip: options.nodeIp,
      port: server.port,
      maxPods: options.maxPods ?? 1000,
      host,
      reserved,
      labels: options.nodeLabels ?? {},
      annotations: { [localPathAnnotation]: localPathRoot },
    },
    podCidr: options.podCidr,
    clock,
    logger,
    signal,
  });
  services.start(signal);
  const work = Promise.all([
    reporter.run(),
    keepNodeLease({ client, nodeName, nodeUid: () => reporter.nodeUid, clock, logger, signal }),
    startPods(manager, services.synced, reporter.ready, context),
    removeLocalFolders({ client, root: localPathRoot, nodeName, clock, logger, signal }),
    server.closed,
  ]);
  const stopped = work.then(() => {
    context.probes.stop();
    return events.flush();
  });
  return { port: server.port, ready: reporter.ready, stopped };
}

/** Pods start once the Services whose variables they get are known, and the node's network is ready. */
async function startPods(manager: PodManager, servicesSynced: Promise<void>, nodeReady: Promise<void>, context: PodContext): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    context.signal.addEventListener('abort', () => resolve(), { once: true });
    if (context.signal.aborted) resolve();
  });
  await Promise.race([Promise.all([servicesSynced, nodeReady]), aborted]);
  if (context.signal.aborted) return;
  try {
    await Promise.race([manager.start(), aborted]);
  } catch (error) {
    context.logger.error('Failed to take over the pods of this node', { err: error });
  }
}
