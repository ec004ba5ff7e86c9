import type { CommandShell } from '../host/command-shell.ts';
import type { Logger } from '@bayplan/component-base';
import type { ServicePort } from './service-ports.ts';

/** Flows whose translation is out of date. Without `backend`: those that were never translated. */
export interface StaleFlow {
  readonly address: string | undefined;
  readonly port: number;
  readonly backend: string | undefined;
}

/**
 * UDP has no end of a connection: a client that keeps sending from one port keeps the translation it
 * had. So flows to a backend that left, and flows made while a Service had none, must be forgotten.
 */
export function staleFlows(previous: readonly ServicePort[], next: readonly ServicePort[], dnsAddress: string): StaleFlow[] {
  const key = (port: ServicePort) => `${port.namespace}/${port.name}/${port.protocol}/${port.port}`;
  const after = new Map(next.map((port) => [key(port), port]));
  const before = new Map(previous.map((port) => [key(port), port]));
  const found: StaleFlow[] = [];
  const addresses = (port: ServicePort) => [...port.clusterIps, ...port.externalIps].filter((address) => address !== dnsAddress);
  const add = (port: ServicePort, backend: string | undefined): void => {
    for (const address of addresses(port)) found.push({ address, port: port.port, backend });
    if (port.nodePort !== undefined) found.push({ address: undefined, port: port.nodePort, backend });
  };
  for (const port of previous) {
    if (port.protocol !== 'udp') continue;
    const left = new Set(after.get(key(port))?.backends.map((backend) => backend.address));
    for (const address of new Set(port.backends.map((backend) => backend.address))) if (!left.has(address)) add(port, address);
  }
  for (const port of next) {
    if (port.protocol === 'udp' && port.backends.length > 0 && (before.get(key(port))?.backends.length ?? 0) === 0) add(port, undefined);
  }
  return found;
}

/** Most flows that one synchronisation forgets one by one. */
const maxFlows = 200;

export async function forgetFlows(flows: readonly StaleFlow[], shell: CommandShell, logger: Logger): Promise<void> {
  if (flows.length > maxFlows) logger.warn('Left stale UDP flows to time out', { flows: flows.length - maxFlows });
  for (const flow of flows.slice(0, maxFlows)) {
    const command = ['conntrack', '-D', '-p', 'udp', '--orig-port-dst', String(flow.port)];
    if (flow.address !== undefined) command.push('--orig-dst', flow.address);
    if (flow.backend !== undefined) command.push('--dst-nat', flow.backend);
    const { exitCode, output } = await shell.run(command);
    // Exit code 1 with "0 flow entries have been deleted" is success here.
    if (exitCode !== 0 && !output.includes('flow entries have been deleted')) {
      logger.warn('Could not forget UDP flows', { command: command.join(' '), output: output.slice(0, 200) });
      return;
    }
  }
}
