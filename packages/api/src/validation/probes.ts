import { fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { Container, LifecycleHandler, Probe } from '../generated/types.ts';
import { portNameFaults, portNumberFaults } from '../names.ts';
import type { Faults } from './faults.ts';
import { checkNotNegative, checkOneOf, checkPositive, checkRequired, checkSyntax } from './faults.ts';

function validatePort(port: number | string, path: FieldPath, faults: Faults): void {
  if (typeof port === 'string') checkSyntax(port, portNameFaults, path, faults);
  else for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path, port, fault));
}

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>;

function validateHandler(handler: Handler, path: FieldPath, faults: Faults): void {
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter((kind) => handler[kind] !== undefined);
  if (kinds.length === 0) faults.push(fieldRequired(path, 'must specify a handler type'));
  for (const kind of kinds.slice(1)) faults.push(fieldForbidden(path.child(kind), 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  if (exec !== undefined && (exec.command ?? []).length === 0) faults.push(fieldRequired(path.child('exec', 'command')));
  if (httpGet !== undefined) {
    const here = path.child('httpGet');
    checkRequired(httpGet.path, undefined, here.child('path'), faults);
    validatePort(httpGet.port, here.child('port'), faults);
    checkOneOf(httpGet.scheme, ['HTTP', 'HTTPS'], here.child('scheme'), faults);
    for (const header of httpGet.httpHeaders ?? []) {
      if (!/^[-A-Za-z0-9]+$/.test(header.name)) {
        const fault =
          "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
        faults.push(fieldInvalid(here.child('httpHeaders'), header.name, fault));
      }
    }
  }
  if (tcpSocket !== undefined) validatePort(tcpSocket.port, path.child('tcpSocket', 'port'), faults);
  if (grpc !== undefined) validatePort(grpc.port, path.child('grpc', 'port'), faults);
}

function validateProbe(probe: Probe | undefined, path: FieldPath, faults: Faults): void {
  if (probe === undefined) return;
  validateHandler(probe, path, faults);
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    checkNotNegative(probe[field], path.child(field), faults);
  }
  checkPositive(probe.terminationGracePeriodSeconds, path.child('terminationGracePeriodSeconds'), faults);
}

/** The probes and lifecycle hooks of a container. */
export function validateProbes(container: Container, path: FieldPath, faults: Faults): void {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  validateProbe(livenessProbe, path.child('livenessProbe'), faults);
  validateProbe(readinessProbe, path.child('readinessProbe'), faults);
  validateProbe(startupProbe, path.child('startupProbe'), faults);
  for (const [name, probe] of [
    ['livenessProbe', livenessProbe],
    ['startupProbe', startupProbe],
  ] as const) {
    const threshold = probe?.successThreshold;
    if (threshold !== undefined && threshold !== 1 && threshold !== 0) {
      faults.push(fieldInvalid(path.child(name, 'successThreshold'), threshold, 'must be 1'));
    }
  }
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    const here = path.child('readinessProbe', 'terminationGracePeriodSeconds');
    faults.push(fieldInvalid(here, readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes'));
  }
  if (lifecycle?.postStart !== undefined) validateHandler(lifecycle.postStart, path.child('lifecycle', 'postStart'), faults);
  if (lifecycle?.preStop !== undefined) validateHandler(lifecycle.preStop, path.child('lifecycle', 'preStop'), faults);
}
