import { fieldInvalid, fieldNotSupported } from '@bayplan/api';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, readConfig } from '../config/config-node.ts';
import type { ConfigNode } from '../config/config-node.ts';
import type { PodSecurityOptions } from './pod-security/pod-security.ts';
import { levels, parseLevel, parseVersion } from './pod-security/policy.ts';
import type { LevelVersion } from './pod-security/policy.ts';

/** What an AdmissionConfiguration sets. */
export interface AdmissionConfiguration {
  readonly podSecurity?: PodSecurityOptions;
}

const wanted = { kind: 'AdmissionConfiguration', apiVersions: ['apiserver.config.k8s.io/v1'] } as const;
const wantedPodSecurity = {
  kind: 'PodSecurityConfiguration',
  apiVersions: ['pod-security.admission.config.k8s.io/v1', 'pod-security.admission.config.k8s.io/v1beta1'],
} as const;

/** Reads the file of `--admission-control-config-file` and those that it names. Rejects with `ConfigError`. */
export async function loadAdmissionConfiguration(file: string): Promise<AdmissionConfiguration> {
  const plugins = readConfig(await read(file), file, wanted, (root) => {
    root.fields('apiVersion', 'kind', 'plugins');
    return root.list('plugins').map((node) => {
      node.fields('name', 'path', 'configuration');
      const name = node.requiredString('name');
      if (name !== '' && name !== 'PodSecurity') node.fault(fieldNotSupported(node.child('name').where, name, ['PodSecurity']));
      const place = node.string('path');
      const inline = node.child('configuration');
      if (place !== '' && inline.present) node.fault(fieldInvalid(inline.where, 'non-null', 'may not be given together with path'));
      return { place, inline: inline.present ? JSON.stringify(inline.value) : undefined };
    });
  });
  let podSecurity: PodSecurityOptions | undefined;
  for (const { place, inline } of plugins) {
    const source = place === '' ? `${file}: PodSecurity` : path.resolve(path.dirname(file), place);
    const text = inline ?? (place === '' ? undefined : await read(source));
    if (text !== undefined) podSecurity = readConfig(text, source, wantedPodSecurity, readPodSecurity);
  }
  return podSecurity === undefined ? {} : { podSecurity };
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

function readPodSecurity(root: ConfigNode): PodSecurityOptions {
  root.fields('apiVersion', 'kind', 'defaults', 'exemptions');
  const defaults = root.child('defaults').fields('enforce', 'enforce-version', 'audit', 'audit-version', 'warn', 'warn-version');
  const exemptions = root.child('exemptions').fields('usernames', 'namespaces', 'runtimeClasses');
  return {
    defaults: { enforce: readMode(defaults, 'enforce'), audit: readMode(defaults, 'audit'), warn: readMode(defaults, 'warn') },
    exemptions: {
      usernames: exemptions.strings('usernames'),
      namespaces: exemptions.strings('namespaces'),
      runtimeClasses: exemptions.strings('runtimeClasses'),
    },
  };
}

function readMode(defaults: ConfigNode, mode: 'enforce' | 'audit' | 'warn'): LevelVersion {
  const level = defaults.string(mode, 'privileged');
  const version = defaults.string(`${mode}-version`, 'latest');
  const minor = parseVersion(version);
  const known = parseLevel(level);
  if (known === undefined) defaults.fault(fieldNotSupported(defaults.child(mode).where, level, levels));
  if (minor === undefined) defaults.fault(fieldInvalid(defaults.child(`${mode}-version`).where, version, 'must be "latest" or "v1.x"'));
  return { level: known ?? 'restricted', minor: minor ?? Infinity };
}
