import type { Container, EnvVar, Pod } from '@bayplan/api';
import { expandReferences } from './expansion.ts';
import { fieldValue, resourceValue } from './downward.ts';
import type { FieldSurroundings } from './downward.ts';
import type { ObjectSource } from './object-source.ts';

/** A container cannot be made because what its specification refers to is missing: `CreateContainerConfigError`. */
export class ConfigurationError extends Error {}

export interface EnvironmentSurroundings extends FieldSurroundings {
  readonly objects: ObjectSource;
  /** Variables of Services, weakest of all. */
  readonly serviceVariables: ReadonlyMap<string, string>;
}

/** ConfigMaps and Secrets that were read this recently are taken from memory when a container starts. */
const freshMs = 5_000;

/**
 * The variables of a container, in the order they were given: `env` overrides `envFrom`, which
 * overrides those of Services. Throws `ConfigurationError`.
 */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  around: EnvironmentSurroundings,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    for (const [key, value] of await bulkValues(pod, source, around, signal)) values.set(`${source.prefix ?? ''}${key}`, value);
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(pod, container, variable, values, around, signal);
    if (value !== undefined) values.set(variable.name, value);
  }
  const all = new Map(around.serviceVariables);
  for (const [name, value] of values) {
    all.delete(name);
    all.set(name, value);
  }
  return all;
}

async function bulkValues(
  pod: Pod,
  source: NonNullable<Container['envFrom']>[number],
  around: EnvironmentSurroundings,
  signal: AbortSignal,
): Promise<[string, string][]> {
  const namespace = pod.metadata.namespace ?? '';
  if (source.configMapRef !== undefined) {
    const name = source.configMapRef.name ?? '';
    const map = await around.objects.configMap(namespace, name, freshMs, signal);
    if (map === undefined && source.configMapRef.optional !== true) throw new ConfigurationError(`configmap "${name}" not found`);
    return Object.entries(map?.data ?? {});
  }
  if (source.secretRef !== undefined) {
    const name = source.secretRef.name ?? '';
    const secret = await around.objects.secret(namespace, name, freshMs, signal);
    if (secret === undefined && source.secretRef.optional !== true) throw new ConfigurationError(`secret "${name}" not found`);
    return Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
  }
  return [];
}

async function variableValue(
  pod: Pod,
  container: Container,
  variable: EnvVar,
  soFar: ReadonlyMap<string, string>,
  around: EnvironmentSurroundings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (from === undefined) {
    const known = new Map([...around.serviceVariables, ...soFar]);
    return expandReferences(variable.value ?? '', known);
  }
  const namespace = pod.metadata.namespace ?? '';
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath, around);
  if (from.resourceFieldRef !== undefined) return resourceValue(pod, container, from.resourceFieldRef, around);
  if (from.configMapKeyRef !== undefined) {
    const { key, name = '', optional } = from.configMapKeyRef;
    const map = await around.objects.configMap(namespace, name, freshMs, signal);
    if (map === undefined) return missing(optional, `configmap "${name}" not found`);
    return map.data?.[key] ?? missing(optional, `couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
  }
  if (from.secretKeyRef !== undefined) {
    const { key, name = '', optional } = from.secretKeyRef;
    const secret = await around.objects.secret(namespace, name, freshMs, signal);
    if (secret === undefined) return missing(optional, `secret "${name}" not found`);
    const value = secret.data?.[key];
    return value === undefined
      ? missing(optional, `couldn't find key ${key} in Secret ${namespace}/${name}`)
      : Buffer.from(value, 'base64').toString();
  }
  throw new ConfigurationError(`environment variable ${variable.name} has a source that this node does not support`);
}

function missing(optional: boolean | undefined, problem: string): undefined {
  if (optional !== true) throw new ConfigurationError(problem);
  return undefined;
}
