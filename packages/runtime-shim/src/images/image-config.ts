import type { ImageRunConfig } from '../spec/oci-spec.ts';

/** The parts of an image's configuration that the shim needs (OCI image specification, config.md). */
export interface ImageConfig {
  readonly diffIds: readonly string[];
  readonly run: ImageRunConfig;
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Parses the JSON of a configuration; throws when it is not one. */
export function parseImageConfig(json: string): ImageConfig {
  const parsed = record(JSON.parse(json));
  const diffIds = strings(record(parsed['rootfs'])['diff_ids']);
  if (!diffIds.every((diffId) => /^sha256:[0-9a-f]{64}$/.test(diffId)))
    throw new Error('An image names a layer by something else than sha256');
  const config = record(parsed['config']);
  return {
    diffIds,
    run: {
      entrypoint: strings(config['Entrypoint']),
      cmd: strings(config['Cmd']),
      env: strings(config['Env']),
      workingDir: text(config['WorkingDir']),
      user: text(config['User']),
      stopSignal: text(config['StopSignal']),
    },
  };
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant: string };
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest, or an index of manifests for several platforms. */
export type Manifest =
  | { readonly kind: 'index'; readonly manifests: readonly Descriptor[] }
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

function descriptor(value: unknown): Descriptor {
  const from = record(value);
  const digest = text(from['digest']);
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`Not a digest: ${digest}`);
  const platform = record(from['platform']);
  const annotations = Object.entries(record(from['annotations'])).map(([key, item]) => [key, text(item)] as const);
  return {
    mediaType: text(from['mediaType']),
    digest,
    size: Number(from['size'] ?? 0),
    ...(from['platform'] === undefined
      ? {}
      : { platform: { os: text(platform['os']), architecture: text(platform['architecture']), variant: text(platform['variant']) } }),
    annotations: Object.fromEntries(annotations),
  };
}

/** Parses an OCI or Docker schema 2 manifest or index; throws when it is neither. */
export function parseManifest(json: string): Manifest {
  const parsed = record(JSON.parse(json));
  if (Array.isArray(parsed['manifests'])) return { kind: 'index', manifests: parsed['manifests'].map(descriptor) };
  if (parsed['config'] === undefined || !Array.isArray(parsed['layers'])) throw new Error('Neither an image manifest nor an index');
  return { kind: 'image', config: descriptor(parsed['config']), layers: parsed['layers'].map(descriptor) };
}

const architectureNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The manifest of an index that runs on this machine; an entry without a platform fits any. */
export function choosePlatform(manifests: readonly Descriptor[], arch: string = process.arch): Descriptor {
  const architecture = architectureNames[arch] ?? arch;
  const fits = manifests.filter(
    (item) => item.platform === undefined || (item.platform.os === 'linux' && item.platform.architecture === architecture),
  );
  const chosen = fits.find((item) => item.platform !== undefined) ?? fits[0];
  if (chosen === undefined) throw new Error(`The image does not exist for linux/${architecture}`);
  return chosen;
}
