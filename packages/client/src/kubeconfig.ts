import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RestTransportOptions } from './rest-transport.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the context of a kubeconfig file (its current one by default) as options for `createRestTransport`.
 * Certificates, keys and tokens may be inline or in files; exec plugins are not run.
 * Throws when the file or the context is missing or incomplete.
 */
export async function loadKubeconfig(file: string, contextName?: string): Promise<RestTransportOptions> {
  const { parse } = await import('yaml');
  const config = asFields(parse(await readFile(file, 'utf8')));
  const name = contextName ?? asText(config['current-context']) ?? '';
  const context = named(config['contexts'], name, 'context', file);
  const cluster = named(config['clusters'], asText(context['cluster']) ?? '', 'cluster', file);
  const user = named(config['users'], asText(context['user']) ?? '', 'user', file);
  const server = asText(cluster['server']);
  if (server === undefined) throw new Error(`The cluster of context ${name} in ${file} has no server`);
  const folder = path.dirname(file);
  const tokenFile = asText(user['tokenFile']);
  return {
    server,
    caPem: await material(cluster, 'certificate-authority', folder),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
    tlsServerName: asText(cluster['tls-server-name']),
    certPem: await material(user, 'client-certificate', folder),
    keyPem: await material(user, 'client-key', folder),
    token: asText(user['token']),
    tokenFile: tokenFile === undefined ? undefined : path.resolve(folder, tokenFile),
  };
}

async function material(entry: Fields, name: string, folder: string): Promise<string | undefined> {
  const inline = asText(entry[`${name}-data`]);
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8');
  const file = asText(entry[name]);
  return file === undefined ? undefined : readFile(path.resolve(folder, file), 'utf8');
}

function named(list: unknown, name: string, kind: string, file: string): Fields {
  const entry = (Array.isArray(list) ? list : []).map(asFields).find((one) => one['name'] === name);
  if (entry === undefined) throw new Error(`There is no ${kind} ${JSON.stringify(name)} in ${file}`);
  return asFields(entry[kind]);
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
