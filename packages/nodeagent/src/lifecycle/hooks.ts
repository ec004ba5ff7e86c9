import type { Container, LifecycleHandler } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import { httpGet } from './http-action.ts';

const httpHookTimeoutMs = 30_000;

/**
 * Runs a postStart or preStop hook; rejects when it fails.
 *
 * @param timeoutMs for an exec hook; 0 waits as long as the signal lets it.
 */
export async function runHook(
  handler: LifecycleHandler,
  subject: { readonly container: Container; readonly containerId: string; readonly podIp: string },
  around: { readonly runtime: PodRuntime; readonly clock: Clock },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (handler.exec !== undefined) {
    const cmd = handler.exec.command ?? [];
    const seconds = timeoutMs === 0 ? 0 : Math.max(1, Math.ceil(timeoutMs / 1000));
    const deadlineMs = timeoutMs === 0 ? 24 * 60 * 60 * 1000 : timeoutMs + 5_000;
    const answer = await around.runtime.operation('exec_sync', () =>
      around.runtime.cri.runtime.execSync({ containerId: subject.containerId, cmd, timeout: seconds }, { signal, deadlineMs }),
    );
    if (answer.exitCode !== 0) {
      const output = Buffer.concat([answer.stdout, answer.stderr]).toString().trim();
      throw new Error(`command '${cmd.join(' ')}' exited with ${String(answer.exitCode)}: ${output}`);
    }
    return;
  }
  if (handler.httpGet !== undefined) {
    const limit = timeoutMs === 0 ? httpHookTimeoutMs : Math.min(timeoutMs, httpHookTimeoutMs);
    const outcome = await httpGet(handler.httpGet, subject.container, subject.podIp, limit, 'kube-lifecycle/1.36', signal);
    if (!outcome.ok) throw new Error(outcome.output);
    return;
  }
  if (handler.sleep !== undefined) await around.clock.sleep(handler.sleep.seconds * 1000, signal);
}
