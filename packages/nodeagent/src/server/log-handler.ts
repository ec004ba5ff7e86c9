import type { Pod } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { once } from 'node:events';
import type { Handler } from './node-api.ts';
import { NodeApiError } from './node-api.ts';
import { parseLogOptions } from '../logs/log-options.ts';
import { readLog } from '../logs/log-reader.ts';
import type { ObservedContainer } from '../pods/observed.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import { podLogDirectory } from '../runtime/sandbox-config.ts';
import path from 'node:path';

export interface PodLookup {
  /** The pod of this node with that name, or undefined. */
  find(namespace: string, name: string): Pod | undefined;
}

/** GET /containerLogs/NAMESPACE/POD/CONTAINER */
export function logHandler(pods: PodLookup, runtime: PodRuntime, podLogsDir: string, clock: Clock): Handler {
  return async (_request, response, url, signal) => {
    const [, , namespace = '', podName = '', containerName = ''] = url.pathname.split('/').map(decodeURIComponent);
    const options = parseLogOptions(url.searchParams, clock.now());
    if (typeof options === 'string') throw new NodeApiError(400, options);
    const pod = pods.find(namespace, podName);
    if (pod === undefined) throw new NodeApiError(404, `pods "${podName}" not found`);
    const previous = /^(1|t|true)$/i.test(url.searchParams.get('previous') ?? '');
    const uid = pod.metadata.uid ?? '';
    const attempt = await chooseAttempt(runtime, pod, uid, containerName, previous, signal);
    const isRunning = async (): Promise<boolean> =>
      (await attemptsOf(runtime, uid, containerName, signal)).some((one) => one.id === attempt.id && one.state === 'running');
    const file = path.join(podLogDirectory(podLogsDir, pod), containerName, `${String(attempt.attempt)}.log`);
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    // A follower sees at once that the log is open, before the first line.
    response.flushHeaders();
    for await (const part of readLog(file, options, isRunning, signal)) {
      if (!response.write(part)) await once(response, 'drain', { signal });
    }
    response.end();
  };
}

async function attemptsOf(runtime: PodRuntime, uid: string, name: string, signal: AbortSignal): Promise<ObservedContainer[]> {
  return (await runtime.observe(uid, signal)).containers.filter((one) => one.name === name && one.state !== 'created');
}

async function chooseAttempt(
  runtime: PodRuntime,
  pod: Pod,
  uid: string,
  name: string,
  previous: boolean,
  signal: AbortSignal,
): Promise<ObservedContainer> {
  const spec = pod.spec;
  const known = [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])].some(
    (one) => one.name === name,
  );
  if (!known) throw new NodeApiError(400, `container ${name} is not valid for pod ${pod.metadata.name ?? ''}`);
  const attempts = await attemptsOf(runtime, uid, name, signal);
  if (previous) {
    // A container that waits for its restart has no newer attempt than the one that failed.
    const ended = attempts.filter((one) => one.state === 'exited');
    const waiting = attempts[0]?.state === 'exited' && ended.length === attempts.length;
    const chosen =
      waiting && ended.length === 1
        ? pod.status?.containerStatuses?.some((one) => one.name === name && one.state?.waiting !== undefined)
          ? ended[0]
          : undefined
        : attempts[0]?.state === 'exited'
          ? (ended[1] ?? ended[0])
          : ended[0];
    if (chosen === undefined)
      throw new NodeApiError(400, `previous terminated container "${name}" in pod "${pod.metadata.name ?? ''}" not found`);
    return chosen;
  }
  const latest = attempts[0];
  if (latest !== undefined) return latest;
  const statuses = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ];
  const waiting = statuses.find((one) => one.name === name)?.state?.waiting;
  const why =
    waiting?.reason === 'ImagePullBackOff' || waiting?.reason === 'ErrImagePull'
      ? `trying and failing to pull image`
      : `waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`;
  throw new NodeApiError(400, `container "${name}" in pod "${pod.metadata.name ?? ''}" is ${why}`);
}
