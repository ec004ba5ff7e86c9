import type { Container, Probe } from '@bayplan/api';
import { rpcCodeOf } from '@bayplan/rpc';
import net from 'node:net';
import { describeNetworkError, httpGet, portNumber } from '../lifecycle/http-action.ts';
import type { HttpOutcome } from '../lifecycle/http-action.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import { grpcHealth } from './grpc-health.ts';

export interface ProbeSubject {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

const mostOutputLength = 4096;

/** Runs one probe once. Never rejects. */
export async function runProbe(probe: Probe, subject: ProbeSubject, runtime: PodRuntime, signal: AbortSignal): Promise<HttpOutcome> {
  const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000;
  try {
    const outcome = await runAction(probe, subject, runtime, timeoutMs, signal);
    return { ok: outcome.ok, output: outcome.output.slice(0, mostOutputLength) };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function runAction(
  probe: Probe,
  subject: ProbeSubject,
  runtime: PodRuntime,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpOutcome> {
  if (probe.exec !== undefined) return execProbe(probe.exec.command ?? [], subject, runtime, timeoutMs, signal);
  if (probe.httpGet !== undefined) return httpGet(probe.httpGet, subject.container, subject.podIp, timeoutMs, 'kube-probe/1.36', signal);
  if (probe.tcpSocket !== undefined) {
    return tcpProbe(probe.tcpSocket.host || subject.podIp, portNumber(probe.tcpSocket.port, subject.container), timeoutMs);
  }
  if (probe.grpc !== undefined) return grpcHealth(subject.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
  return { ok: true, output: '' };
}

async function execProbe(
  cmd: readonly string[],
  subject: ProbeSubject,
  runtime: PodRuntime,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpOutcome> {
  try {
    const answer = await runtime.operation('exec_sync', () =>
      runtime.cri.runtime.execSync(
        { containerId: subject.containerId, cmd, timeout: Math.ceil(timeoutMs / 1000) },
        { signal, deadlineMs: timeoutMs + 2_000 },
      ),
    );
    return { ok: answer.exitCode === 0, output: Buffer.concat([answer.stdout, answer.stderr]).toString() };
  } catch (error) {
    if (rpcCodeOf(error) !== 'DEADLINE_EXCEEDED') throw error;
    return { ok: false, output: `command timed out: "${cmd.join(' ')}" timed out after ${String(timeoutMs / 1000)}s` };
  }
}

function tcpProbe(host: string, port: number, timeoutMs: number): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (outcome: HttpOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () => finish({ ok: false, output: `dial tcp ${host}:${String(port)}: i/o timeout` }));
    socket.on('connect', () => finish({ ok: true, output: '' }));
    socket.on('error', (error) => finish({ ok: false, output: describeNetworkError(error, host, port) }));
  });
}
