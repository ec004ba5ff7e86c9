import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { ConfigMap, Secret } from '../../generated/types.ts';
import { byteLength, configMapKeyFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkImmutable } from '../faults.ts';

/** All values of one ConfigMap or Secret together. */
const maxDataBytes = 1024 * 1024;
const frozenFault = 'field is immutable when `immutable` is set';

/** The size of what a base64 text holds. */
function decodedLength(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

export function validateConfigMap(map: ConfigMap, faults: Faults): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(map.data ?? {})) {
    for (const fault of configMapKeyFaults(key)) faults.push(fieldInvalid(FieldPath.of('data').key(key), key, fault));
    if (map.binaryData !== undefined && Object.hasOwn(map.binaryData, key)) {
      faults.push(fieldInvalid(FieldPath.of('data').key(key), key, 'duplicate of key present in binaryData'));
    }
    bytes += byteLength(value);
  }
  for (const [key, value] of Object.entries(map.binaryData ?? {})) {
    for (const fault of configMapKeyFaults(key)) faults.push(fieldInvalid(FieldPath.of('binaryData').key(key), key, fault));
    bytes += decodedLength(value);
  }
  if (bytes > maxDataBytes) faults.push(fieldTooLong('[]', maxDataBytes));
}

function checkFrozen(next: Secret | ConfigMap, old: Secret | ConfigMap, fields: readonly ('data' | 'binaryData')[], faults: Faults): void {
  if (old.immutable !== true) return;
  if (next.immutable !== true) faults.push(fieldForbidden(FieldPath.of('immutable'), frozenFault));
  for (const field of fields) {
    const read = (object: Secret | ConfigMap): unknown => (field in object ? (object as ConfigMap)[field] : undefined) ?? {};
    if (!sameJson(read(next), read(old))) faults.push(fieldForbidden(FieldPath.of(field), frozenFault));
  }
}

export function validateConfigMapUpdate(next: ConfigMap, old: ConfigMap, faults: Faults): void {
  checkFrozen(next, old, ['data', 'binaryData'], faults);
}

/** The keys that a type of Secret must hold. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
};
/** Keys that hold a JSON object. */
const jsonKeys = new Set(['.dockercfg', '.dockerconfigjson']);

/** What is wrong with a base64 text that should hold a JSON object. The secret itself is not shown. */
function jsonFault(text: string): string | undefined {
  try {
    const value = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)))) as unknown;
    if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
    return `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`;
  } catch (error) {
    return text === '' ? 'unexpected end of JSON input' : `invalid JSON: ${(error as Error).message.replace(/"[^"]*"|'[^']*'/g, '…')}`;
  }
}
const accountAnnotation = 'kubernetes.io/service-account.name';

export function validateSecret(secret: Secret, faults: Faults): void {
  const data = secret.data ?? {};
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const fault of configMapKeyFaults(key)) faults.push(fieldInvalid(FieldPath.of('data').key(key), key, fault));
    bytes += decodedLength(value);
  }
  if (bytes > maxDataBytes) faults.push(fieldTooLong('data', maxDataBytes));
  for (const key of requiredKeys[secret.type ?? ''] ?? []) {
    const value = data[key];
    if (value === undefined || (key === 'ssh-privatekey' && value === '')) faults.push(fieldRequired(FieldPath.of('data').key(key)));
    else if (jsonKeys.has(key)) {
      const fault = jsonFault(value);
      if (fault !== undefined) faults.push(fieldInvalid(FieldPath.of('data').key(key), '<secret contents redacted>', fault));
    }
  }
  if (secret.type === 'kubernetes.io/service-account-token' && !secret.metadata.annotations?.[accountAnnotation]) {
    faults.push(fieldRequired(FieldPath.of('metadata', 'annotations').key(accountAnnotation)));
  }
  if (secret.type === 'kubernetes.io/basic-auth' && !Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) {
    faults.push(fieldRequired(FieldPath.of('data').key('username')), fieldRequired(FieldPath.of('data').key('password')));
  }
}

export function validateSecretUpdate(next: Secret, old: Secret, faults: Faults): void {
  checkImmutable(next.type, old.type, FieldPath.of('type'), faults);
  checkFrozen(next, old, ['data'], faults);
}
