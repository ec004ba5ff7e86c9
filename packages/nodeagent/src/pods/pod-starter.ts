import type { Pod } from '@bayplan/api';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ImageError } from '../images/image-puller.ts';
import { runHook } from '../lifecycle/hooks.ts';
import { containerConfig } from '../runtime/container-config.ts';
import { ConfigurationError, containerEnvironment } from '../runtime/environment.ts';
import { hostsFile, writeHostsFile } from '../runtime/hosts-file.ts';
import { qosClassOf } from '../runtime/qos.ts';
import { podLimits } from '../runtime/resources.ts';
import { podHostname, podLogDirectory, sandboxConfig } from '../runtime/sandbox-config.ts';
import { runAsNonRootProblem } from '../runtime/security.ts';
import { serviceEnvironment } from '../runtime/service-environment.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';
import type { ObservedPod, ObservedSandbox } from './observed.ts';
import { currentSandbox, latestOf } from './observed.ts';
import { fieldSurroundings, podEvent } from './pod-context.ts';
import type { PodContext } from './pod-context.ts';
import type { PodAction } from './plan.ts';
import { describePod } from './pod-shape.ts';
import { StartFailure } from './start-failure.ts';

/** Creating a sandbox sets the network up, which may wait for other programs. */
const sandboxDeadlineMs = 4 * 60 * 1000;

/**
 * Makes the pod's cgroup and its sandbox. Throws what the runtime says. Once begun it runs to its end,
 * as do the calls that make and start containers: one cut short could leave something nobody knows of.
 */
export async function createSandbox(context: PodContext, pod: Pod, attempt: number): Promise<void> {
  const uid = pod.metadata.uid ?? '';
  const qos = qosClassOf(pod);
  const begun = context.clock.monotonic();
  await context.cgroups.create(qos, uid, podLimits(pod));
  context.metrics.cgroupSeconds.observe({ operation_type: 'create' }, (context.clock.monotonic() - begun) / 1000);
  await mkdir(podLogDirectory(context.podLogsDir, pod), { recursive: true });
  const config = sandboxConfig(pod, attempt, { ...context.sandbox, cgroupParent: context.cgroups.parentOf(qos, uid) });
  const runtimeHandler = '';
  await context.runtime.operation('run_podsandbox', () =>
    context.runtime.cri.runtime.runPodSandbox({ config, runtimeHandler }, { signal: context.signal, deadlineMs: sandboxDeadlineMs }),
  );
}

/**
 * Pulls the image, then creates and starts one attempt of a container. Throws `StartFailure`.
 *
 * @returns the id of the container that was started.
 */
export async function startContainer(
  context: PodContext,
  pod: Pod,
  action: Extract<PodAction, { kind: 'start-container' }>,
  observed: ObservedPod,
  volumes: VolumePaths,
  signal: AbortSignal,
): Promise<string> {
  const { container } = action;
  const report = {
    event: (type: 'Normal' | 'Warning', reason: string, message: string) =>
      podEvent(context, pod, type, reason, message, container.fieldPath),
  };
  const sandbox = currentSandbox(observed);
  if (sandbox === undefined) throw new StartFailure('CreateContainerError', 'the pod has no sandbox');
  try {
    const image = await context.images.ensure(pod, container.spec, report, signal);
    const config = await prepare(context, pod, action, observed, sandbox, volumes, image, signal);
    return await context.starts.run(() => createAndStart(context, pod, action, sandbox, config), signal);
  } catch (error) {
    if (signal.aborted || error instanceof StartFailure) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const reason =
      error instanceof ImageError
        ? error.reason
        : error instanceof ConfigurationError
          ? 'CreateContainerConfigError'
          : 'CreateContainerError';
    report.event('Warning', 'Failed', `Error: ${reason === 'ErrImagePull' || reason === 'ErrImageNeverPull' ? reason : message}`);
    throw new StartFailure(reason, message, { cause: error });
  }
}

type Config = Awaited<ReturnType<typeof containerConfig>>;

async function prepare(
  context: PodContext,
  pod: Pod,
  action: Extract<PodAction, { kind: 'start-container' }>,
  observed: ObservedPod,
  sandbox: ObservedSandbox,
  volumes: VolumePaths,
  image: { readonly ref: string; readonly user: { readonly uid: number | undefined; readonly username: string } },
  signal: AbortSignal,
): Promise<Config> {
  const { container } = action;
  const problem = runAsNonRootProblem(pod, container.spec, image.user, describePod(pod));
  if (problem !== undefined) throw new ConfigurationError(problem);
  const ips = podIps(context, pod, sandbox);
  const environment = await containerEnvironment(
    pod,
    container.spec,
    { ...fieldSurroundings(context, ips), objects: context.objects, serviceVariables: serviceVariables(context, pod) },
    signal,
  );
  const directory = context.volumes.podDirectory(pod.metadata.uid ?? '');
  const hosts = path.join(directory, 'etc-hosts');
  const hostHosts = pod.spec?.hostNetwork === true ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
  const { clusterDomain } = context.sandbox;
  await writeHostsFile(hosts, hostsFile(pod, ips, podHostname(pod, clusterDomain), clusterDomain, hostHosts));
  const target = targetOf(container.spec, observed);
  return containerConfig(pod, container, {
    attempt: action.attempt,
    restartDelayMs: action.delayAfterMs,
    imageRef: image.ref,
    imageUser: image.user,
    environment,
    volumes,
    bindSubPath: (place, volumePath, subPath) => context.volumes.bindSubPath(pod.metadata.uid ?? '', place, volumePath, subPath),
    hostsFile: hosts,
    terminationFile: await makeTerminationFile(context, pod, container.spec.name, action.attempt),
    node: context.machine,
    security: context.sandbox.security,
    targetContainerId: target,
  });
}

async function createAndStart(
  context: PodContext,
  pod: Pod,
  action: Extract<PodAction, { kind: 'start-container' }>,
  sandbox: ObservedSandbox,
  config: Config,
): Promise<string> {
  const { container } = action;
  const uid = pod.metadata.uid ?? '';
  const { runtime, signal } = context;
  await mkdir(path.join(podLogDirectory(context.podLogsDir, pod), container.spec.name), { recursive: true });
  const sandboxSettings = sandboxConfig(pod, sandbox.attempt, {
    ...context.sandbox,
    cgroupParent: context.cgroups.parentOf(qosClassOf(pod), uid),
  });
  const { containerId } = await runtime.operation('create_container', () =>
    runtime.cri.runtime.createContainer({ podSandboxId: sandbox.id, config, sandboxConfig: sandboxSettings }, { signal }),
  );
  runtime.own(containerId, uid);
  podEvent(context, pod, 'Normal', 'Created', 'Container created', container.fieldPath);
  try {
    await runtime.operation('start_container', () => runtime.cri.runtime.startContainer({ containerId }, { signal }));
  } catch (error) {
    if (signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    podEvent(context, pod, 'Warning', 'Failed', `Error: ${message}`, container.fieldPath);
    throw new StartFailure('RunContainerError', message, { cause: error });
  }
  podEvent(context, pod, 'Normal', 'Started', 'Container started', container.fieldPath);
  return containerId;
}

/** Runs the postStart hook of a container that has just started. Throws `StartFailure`; the caller ends the container. */
export async function runPostStart(
  context: PodContext,
  pod: Pod,
  action: Extract<PodAction, { kind: 'start-container' }>,
  containerId: string,
  podIp: string,
  signal: AbortSignal,
): Promise<void> {
  const hook = action.container.spec.lifecycle?.postStart;
  if (hook === undefined) return;
  try {
    await runHook(hook, { container: action.container.spec, containerId, podIp }, context, 0, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = `PostStartHook failed: ${error instanceof Error ? error.message : String(error)}`;
    podEvent(context, pod, 'Warning', 'FailedPostStartHook', message, action.container.fieldPath);
    throw new StartFailure('PostStartHookError', message, { cause: error });
  }
}

/** The addresses a pod has, or the node's for pods on its network. */
export function podIps(context: PodContext, pod: Pod, sandbox: ObservedSandbox | undefined): readonly string[] {
  return pod.spec?.hostNetwork === true ? [context.hostIp] : (sandbox?.ips ?? []);
}

/** Variables of Services; the API server's are there whatever the pod says. */
function serviceVariables(context: PodContext, pod: Pod): Map<string, string> {
  const namespace = pod.metadata.namespace ?? '';
  const master = context.services('default').filter((service) => service.metadata.name === 'kubernetes');
  const variables = pod.spec?.enableServiceLinks === false ? new Map<string, string>() : serviceEnvironment(context.services(namespace));
  for (const [name, value] of serviceEnvironment(master)) variables.set(name, value);
  if (!variables.has('KUBERNETES_SERVICE_HOST')) {
    variables.set('KUBERNETES_SERVICE_HOST', context.apiService.host);
    variables.set('KUBERNETES_SERVICE_PORT', String(context.apiService.port));
  }
  return variables;
}

function targetOf(spec: object, observed: ObservedPod): string | undefined {
  if (!('targetContainerName' in spec) || typeof spec.targetContainerName !== 'string' || spec.targetContainerName === '') return undefined;
  return latestOf(observed, spec.targetContainerName)?.id;
}

/** Where the last message of an attempt of a container is on the host. */
export function terminationFileOf(podDirectory: string, container: string, attempt: number): string {
  return path.join(podDirectory, 'containers', container, String(attempt));
}

async function makeTerminationFile(context: PodContext, pod: Pod, container: string, attempt: number): Promise<string> {
  const file = terminationFileOf(context.volumes.podDirectory(pod.metadata.uid ?? ''), container, attempt);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '');
  // Any user of the container may write it.
  await chmod(file, 0o666);
  return file;
}
