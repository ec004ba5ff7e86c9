import type { Container, EphemeralContainer, HTTPGetAction, Lifecycle, PodSpec, Probe } from '../generated/types.ts';
import { roundResources } from './resource-list.ts';
import { defaultVolume } from './volumes.ts';

type AnyContainer = Container | EphemeralContainer;

/**
 * `Always` for an image without a tag or digest and for `:latest`, otherwise `IfNotPresent`.
 * A registry's port is no tag: only what follows the last slash counts.
 */
export function defaultPullPolicy(image: string | undefined): string {
  const reference = image ?? '';
  if (reference === '') return 'IfNotPresent';
  const [name = ''] = reference.split('@');
  const last = name.slice(name.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  if (colon >= 0) return last.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent';
  return reference.includes('@') ? 'IfNotPresent' : 'Always';
}

export function defaultHttpGet(action: HTTPGetAction | null | undefined): void {
  if (!action) return;
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultLifecycle(lifecycle: Lifecycle | undefined): void {
  defaultHttpGet(lifecycle?.postStart?.httpGet);
  defaultHttpGet(lifecycle?.preStop?.httpGet);
}

function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  roundResources(container.resources?.limits, container.resources?.requests);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const entry of container.env ?? []) if (entry.valueFrom?.fieldRef) entry.valueFrom.fieldRef.apiVersion ||= 'v1';
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultLifecycle(container.lifecycle);
}

export function allContainers(spec: PodSpec): AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** What holds for a pod and for every template of one. */
export function defaultPodSpec(spec: PodSpec | undefined): void {
  if (!spec) return;
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  // serviceAccount is the old name of the same field; whichever is set fills the other.
  spec.serviceAccountName ||= spec.serviceAccount;
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else delete spec.serviceAccountName;
  roundResources(spec.overhead, spec.resources?.limits, spec.resources?.requests);
  for (const container of allContainers(spec)) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}
