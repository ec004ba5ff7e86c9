import { proxyUpgrade } from '@bayplan/streaming';
import { currentSandbox, latestOf } from '../pods/observed.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import type { PodLookup } from './log-handler.ts';
import { NodeApiError } from './node-api.ts';
import type { UpgradeHandler } from './node-api.ts';

/** Handlers of `exec`, `attach` and `portForward`: the runtime gives a URL, and the bytes go there unchanged. */
export function streamHandlers(pods: PodLookup, runtime: PodRuntime): Readonly<Record<'exec' | 'attach' | 'portForward', UpgradeHandler>> {
  const flag = (url: URL, ...names: string[]): boolean => names.some((name) => /^(1|t|true)$/i.test(url.searchParams.get(name) ?? ''));

  const containerOf = async (url: URL, signal: AbortSignal): Promise<string> => {
    const parts = url.pathname.split('/').map(decodeURIComponent);
    // The long form has the pod's uid before the container: /exec/NS/POD/UID/CONTAINER.
    const [, , namespace = '', podName = ''] = parts;
    const name = parts[5] ?? parts[4] ?? '';
    const observed = await runtime.observe(uidOf(namespace, podName), signal);
    const latest = latestOf(observed, name);
    if (latest?.state !== 'running') throw new NodeApiError(404, `container not found ("${name}")`);
    return latest.id;
  };

  const uidOf = (namespace: string, podName: string): string => {
    const pod = pods.find(namespace, podName);
    if (pod === undefined) throw new NodeApiError(404, `pods "${podName}" not found`);
    return pod.metadata.uid ?? '';
  };

  /** kubectl's own names (`stdin`) are taken as well as those of the kubelet's API (`input`). */
  const wanted = (url: URL): { tty: boolean; stdin: boolean; stdout: boolean; stderr: boolean } => {
    const tty = flag(url, 'tty');
    const streams = {
      tty,
      stdin: flag(url, 'input', 'stdin'),
      stdout: flag(url, 'output', 'stdout'),
      stderr: flag(url, 'error', 'stderr') && !tty,
    };
    if (!streams.stdin && !streams.stdout && !streams.stderr)
      throw new NodeApiError(400, 'you must specify at least 1 of stdin, stdout, stderr');
    return streams;
  };

  return {
    async exec(request, socket, head, url, signal) {
      const streams = wanted(url);
      const cmd = url.searchParams.getAll('command');
      const containerId = await containerOf(url, signal);
      const answer = await runtime.operation('exec', () => runtime.cri.runtime.exec({ containerId, cmd, ...streams }, { signal }));
      await proxyUpgrade(request, socket, head, { url: new URL(answer.url), signal });
    },
    async attach(request, socket, head, url, signal) {
      const streams = wanted(url);
      const containerId = await containerOf(url, signal);
      const answer = await runtime.operation('attach', () => runtime.cri.runtime.attach({ containerId, ...streams }, { signal }));
      await proxyUpgrade(request, socket, head, { url: new URL(answer.url), signal });
    },
    async portForward(request, socket, head, url, signal) {
      const [, , namespace = '', podName = ''] = url.pathname.split('/').map(decodeURIComponent);
      const sandbox = currentSandbox(await runtime.observe(uidOf(namespace, podName), signal));
      if (sandbox === undefined) throw new NodeApiError(404, `pod "${podName}" is not running`);
      const port = url.searchParams
        .getAll('port')
        .flatMap((text) => text.split(',').map(Number))
        .filter((value) => Number.isInteger(value) && value > 0);
      const answer = await runtime.operation('port_forward', () =>
        runtime.cri.runtime.portForward({ podSandboxId: sandbox.id, port }, { signal }),
      );
      await proxyUpgrade(request, socket, head, { url: new URL(answer.url), signal });
    },
  };
}
