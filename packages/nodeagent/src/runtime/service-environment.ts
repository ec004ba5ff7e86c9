import type { Service } from '@bayplan/api';

/**
 * The variables that describe a namespace's Services, in the form Docker links had:
 * `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT[_PORTNAME]`, `NAME_PORT` and `NAME_PORT_80_TCP[_PROTO|_PORT|_ADDR]`.
 */
export function serviceEnvironment(services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const address = service.spec?.clusterIP;
    const ports = service.spec?.ports ?? [];
    const first = ports[0];
    if (address === undefined || address === '' || address === 'None' || first === undefined) continue;
    const name = variableName(service.metadata.name ?? '');
    variables.set(`${name}_SERVICE_HOST`, address);
    variables.set(`${name}_SERVICE_PORT`, String(first.port));
    for (const port of ports) {
      if (port.name) variables.set(`${name}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
    variables.set(`${name}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${hostPort(address, first.port)}`);
    for (const port of ports) {
      const protocol = port.protocol ?? 'TCP';
      const prefix = `${name}_PORT_${String(port.port)}_${protocol}`;
      variables.set(prefix, `${protocol.toLowerCase()}://${hostPort(address, port.port)}`);
      variables.set(`${prefix}_PROTO`, protocol.toLowerCase());
      variables.set(`${prefix}_PORT`, String(port.port));
      variables.set(`${prefix}_ADDR`, address);
    }
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[-.]/g, '_');
}

function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}
