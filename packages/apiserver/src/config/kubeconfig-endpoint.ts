import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { ConfigError } from './config-node.ts';

/** Where a webhook answers, and how we identify ourselves to it. */
export interface WebhookEndpoint {
  readonly url: URL;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecure: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

interface NamedList {
  readonly name?: string;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly context?: { readonly cluster?: string; readonly user?: string };
}

interface Kubeconfig {
  readonly clusters?: readonly NamedList[];
  readonly users?: readonly NamedList[];
  readonly contexts?: readonly NamedList[];
  readonly 'current-context'?: string;
}

/** Reads the current context of a kubeconfig file. Relative paths in it start at its folder. Throws `ConfigError`. */
export async function readEndpoint(file: string): Promise<WebhookEndpoint> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`kubeconfig ${file} could not be read: ${(cause as Error).message}`, { cause });
  });
  let config: Kubeconfig;
  try {
    config = (parse(text) ?? {}) as Kubeconfig;
  } catch (cause) {
    throw new ConfigError(`kubeconfig ${file} is not YAML`, { cause });
  }
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context;
  if (context === undefined) throw new ConfigError(`kubeconfig ${file} has no current-context`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (cluster === undefined) throw new ConfigError(`kubeconfig ${file} lacks the cluster ${JSON.stringify(context.cluster ?? '')}`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  for (const unsupported of ['exec', 'auth-provider'])
    if (user[unsupported] !== undefined) throw new ConfigError(`kubeconfig ${file}: users of webhooks cannot have ${unsupported}`);
  const read = reader(path.dirname(file), file);
  const ca = await read(cluster, 'certificate-authority');
  const cert = await read(user, 'client-certificate');
  const key = await read(user, 'client-key');
  const token = textOf(user, 'token') ?? (await fileOf(user, 'tokenFile', path.dirname(file), file))?.trim();
  const username = textOf(user, 'username');
  const authorization =
    token !== undefined
      ? `Bearer ${token}`
      : username !== undefined
        ? `Basic ${Buffer.from(`${username}:${textOf(user, 'password') ?? ''}`).toString('base64')}`
        : undefined;
  const serverName = textOf(cluster, 'tls-server-name');
  return {
    url: serverOf(textOf(cluster, 'server') ?? '', file),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    headers: authorization === undefined ? {} : { authorization },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function serverOf(server: string, file: string): URL {
  let url: URL;
  try {
    url = new URL(server);
  } catch (cause) {
    throw new ConfigError(`kubeconfig ${file}: ${JSON.stringify(server)} is not a URL`, { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new ConfigError(`kubeconfig ${file}: ${server} is neither https nor http`);
  return url;
}

type Section = Readonly<Record<string, unknown>>;

function textOf(section: Section, name: string): string | undefined {
  const value = section[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function fileOf(section: Section, name: string, folder: string, file: string): Promise<string | undefined> {
  const named = textOf(section, name);
  if (named === undefined) return undefined;
  return readFile(path.resolve(folder, named), 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`kubeconfig ${file}: ${name} ${named} could not be read`, { cause });
  });
}

/** PEM from `NAME-data` (base64) or from the file that `NAME` names. */
function reader(folder: string, file: string): (section: Section, name: string) => Promise<string | undefined> {
  return async (section, name) => {
    const inline = textOf(section, `${name}-data`);
    return inline === undefined ? fileOf(section, name, folder, file) : Buffer.from(inline, 'base64').toString('utf8');
  };
}
