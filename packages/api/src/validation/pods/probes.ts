import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Container, HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../generated/types.ts';
import { portNameFaults, portNumberFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { aboveZero, checkMember, checkNotNegative, checkSyntax } from '../faults.ts';
import type { PodContext } from './context.ts';
import { stopSignals, windowsStopSignals } from './signals.ts';

/** A port by number or by name. */
export function checkPortOrName(port: number | string, path: FieldPath, faults: Faults): void {
  if (typeof port === 'string') checkSyntax(port, portNameFaults, path, faults);
  else for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path, port, fault));
}

const header = /^[-A-Za-z0-9]+$/;
const headerFault =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

function validateHttpGet(action: HTTPGetAction, path: FieldPath, faults: Faults): void {
  if (!action.path) faults.push(fieldRequired(path.child('path')));
  checkPortOrName(action.port, path.child('port'), faults);
  checkMember(action.scheme, ['HTTP', 'HTTPS'], path.child('scheme'), faults);
  for (const { name } of action.httpHeaders ?? []) {
    if (!header.test(name)) faults.push(fieldInvalid(path.child('httpHeaders'), name, headerFault));
  }
}

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>;
const handlerKinds = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function validateHandler(handler: Handler, grace: number | undefined, path: FieldPath, faults: Faults): void {
  let first: (typeof handlerKinds)[number] | undefined;
  for (const kind of handlerKinds) {
    if (handler[kind] === undefined) continue;
    if (first !== undefined) faults.push(fieldForbidden(path.child(kind), 'may not specify more than 1 handler type'));
    first ??= kind;
    if (first !== kind) continue;
    const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
    const here = path.child(kind);
    if (kind === 'exec' && (exec?.command ?? []).length === 0) faults.push(fieldRequired(here.child('command')));
    else if (kind === 'httpGet' && httpGet !== undefined) validateHttpGet(httpGet, here, faults);
    else if (kind === 'tcpSocket' && tcpSocket !== undefined) checkPortOrName(tcpSocket.port, here.child('port'), faults);
    else if (kind === 'grpc' && grpc !== undefined) checkPortOrName(grpc.port, here.child('port'), faults);
    else if (kind === 'sleep' && sleep !== undefined && grace !== undefined && (sleep.seconds < 0 || sleep.seconds > grace)) {
      const fault = `must be non-negative and less than terminationGracePeriodSeconds (${grace.toString()})`;
      faults.push(fieldInvalid(here, sleep.seconds, fault));
    }
  }
  if (first === undefined) faults.push(fieldRequired(path, 'must specify a handler type'));
}

const counts = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

function validateProbe(probe: Probe, context: PodContext, path: FieldPath, faults: Faults): void {
  validateHandler(probe, context.gracePeriodSeconds, path, faults);
  for (const field of counts) {
    const value = probe[field];
    if (value !== undefined && value < 0) checkNotNegative(value, path.child(field), faults);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) faults.push(fieldInvalid(path.child('terminationGracePeriodSeconds'), grace, aboveZero));
}

/** The probes of a container that runs beside others. */
export function validateProbes(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    const here = path.child(name);
    validateProbe(probe, context, here, faults);
    if (name === 'readinessProbe') {
      const grace = probe.terminationGracePeriodSeconds;
      if (grace !== undefined)
        faults.push(fieldInvalid(here.child('terminationGracePeriodSeconds'), grace, 'must not be set for readinessProbes'));
    } else if ((probe.successThreshold ?? 1) !== 1) {
      faults.push(fieldInvalid(here.child('successThreshold'), probe.successThreshold, 'must be 1'));
    }
  }
}

export function validateLifecycle(lifecycle: Lifecycle | undefined, context: PodContext, path: FieldPath, faults: Faults): void {
  if (lifecycle === undefined) return;
  const { postStart, preStop, stopSignal } = lifecycle;
  if (postStart !== undefined) validateHandler(postStart, context.gracePeriodSeconds, path.child('postStart'), faults);
  if (preStop !== undefined) validateHandler(preStop, context.gracePeriodSeconds, path.child('preStop'), faults);
  if (stopSignal === undefined) return;
  const here = path.child('stopSignal');
  const allowed = context.os === 'windows' ? windowsStopSignals : stopSignals;
  if (context.os === undefined) faults.push(fieldForbidden(here, 'may not be set for containers with empty `spec.os.name`'));
  else if (!allowed.includes(stopSignal)) faults.push(fieldNotSupported(here, stopSignal, allowed));
}
