import { fieldDuplicate, fieldInvalid, fieldRequired } from '@bayplan/api';
import { readConfig } from '../config/config-node.ts';
import type { ConfigNode } from '../config/config-node.ts';

/** Which providers seal which resources; the first entry that names a resource counts. */
export interface EncryptionConfiguration {
  readonly entries: readonly EncryptionEntry[];
}

export interface EncryptionEntry {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` or `*.*`. */
  readonly resources: readonly string[];
  /** The first one seals, all of them open. */
  readonly providers: readonly EncryptionProvider[];
}

export type EncryptionProvider =
  { readonly kind: 'identity' } | { readonly kind: 'aesgcm' | 'aescbc' | 'secretbox'; readonly keys: readonly EncryptionKey[] };

export interface EncryptionKey {
  readonly name: string;
  readonly secret: Buffer;
}

const wanted = { kind: 'EncryptionConfiguration', apiVersions: ['apiserver.config.k8s.io/v1', 'v1'] } as const;
const keySizes = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] } as const;
const kinds = ['aesgcm', 'aescbc', 'secretbox', 'identity', 'kms'] as const;

/** Reads the file of `--encryption-provider-config`. Throws `ConfigError` with every fault; no fault shows a key. */
export function readEncryptionConfiguration(text: string, name: string): EncryptionConfiguration {
  return readConfig(text, name, wanted, (root) => {
    root.fields('apiVersion', 'kind', 'resources');
    const nodes = root.list('resources');
    if (nodes.length === 0) root.fault(fieldRequired('resources', 'at least one resource must be defined'));
    return { entries: nodes.map(readEntry) };
  });
}

function readEntry(node: ConfigNode): EncryptionEntry {
  node.fields('resources', 'providers');
  const resources = node.strings('resources');
  if (resources.length === 0) node.fault(fieldRequired(node.child('resources').where, 'at least one resource must be defined'));
  resources.forEach((resource, index) => {
    const at = `${node.child('resources').where}[${index.toString()}]`;
    if (resource === '') node.fault(fieldInvalid(at, resource, 'resources cannot be empty'));
    else if (resource === '*')
      node.fault(fieldInvalid(at, resource, "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"));
    else if (resource !== resource.toLowerCase()) node.fault(fieldInvalid(at, resource, 'resource must be in lower case'));
    else if (resource.includes('/')) node.fault(fieldInvalid(at, resource, 'subresources cannot be encrypted'));
    else if (resources.indexOf(resource) !== index) node.fault(fieldDuplicate(at, resource));
  });
  const providers = node.list('providers').flatMap(readProvider);
  if (node.list('providers').length === 0)
    node.fault(fieldRequired(node.child('providers').where, 'at least one provider must be defined'));
  return { resources, providers };
}

function readProvider(node: ConfigNode): EncryptionProvider[] {
  node.fields(...kinds);
  const given = kinds.filter((kind) => node.child(kind).value !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    const detail =
      kind === undefined
        ? 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'
        : 'more than one provider specified in a single element, should split into different list elements';
    node.fault(fieldInvalid(node.where, given.join(','), detail));
    return [];
  }
  if (kind === 'identity') return [{ kind }];
  if (kind === 'kms') {
    node.fault(fieldInvalid(node.child('kms').where, 'kms', 'KMS providers are not supported'));
    return [];
  }
  const keys = node
    .child(kind)
    .fields('keys')
    .list('keys')
    .flatMap((key) => readKey(key, keySizes[kind]));
  if (keys.length === 0) node.fault(fieldRequired(node.child(kind).child('keys').where, 'at least one key must be defined'));
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key.name)) node.fault(fieldDuplicate(node.child(kind).child('keys').where, key.name));
    seen.add(key.name);
  }
  return [{ kind, keys }];
}

function readKey(node: ConfigNode, sizes: readonly number[]): EncryptionKey[] {
  node.fields('name', 'secret');
  const name = node.requiredString('name', 'key name must be specified');
  if (name.includes(':')) node.fault(fieldInvalid(node.child('name').where, name, 'key name must not contain a colon'));
  const text = node.requiredString('secret', 'secret must be specified');
  if (text === '') return [];
  const secret = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    node.fault(fieldInvalid(node.child('secret').where, 'REDACTED', 'secret must be base64 encoded'));
  else if (!sizes.includes(secret.length))
    node.fault(
      fieldInvalid(
        node.child('secret').where,
        'REDACTED',
        `secret is not of the expected length, got ${secret.length.toString()}, expected one of [${sizes.join(' ')}]`,
      ),
    );
  return [{ name, secret }];
}
