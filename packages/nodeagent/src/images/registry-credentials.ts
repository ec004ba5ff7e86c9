import type { AuthConfig, Draft } from '@bayplan/rpc';

interface RegistryEntry {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
}

/** The registry host of an image reference; `docker.io` when it names none. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : 'docker.io';
}

/**
 * The credentials that pull secrets hold for an image, the longest matching path first. A secret that
 * cannot be read is skipped, as it may not concern this image.
 *
 * @param configs contents of `.dockerconfigjson` (or `.dockercfg`) keys, decoded.
 */
export function credentialsFor(image: string, configs: readonly string[]): Draft<AuthConfig>[] {
  const registry = registryOf(image);
  const full = registry === 'docker.io' && !image.startsWith('docker.io/') ? `docker.io/${image}` : image;
  const found: { specificity: number; auth: Draft<AuthConfig> }[] = [];
  for (const text of configs) {
    for (const [key, entry] of Object.entries(parseEntries(text))) {
      const place = key
        .replace(/^https?:\/\//, '')
        .replace(/\/(v[12]\/?)?$/, '')
        .replace(/^(index|registry-1)\.docker\.io/, 'docker.io');
      if (full === place || full.startsWith(`${place}/`) || (place.startsWith('*.') && registry.endsWith(place.slice(1))))
        found.push({ specificity: place.length, auth: authOf(entry, registry) });
    }
  }
  return found.toSorted((a, b) => b.specificity - a.specificity).map((one) => one.auth);
}

function parseEntries(text: string): Record<string, RegistryEntry> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const auths = 'auths' in parsed ? parsed.auths : parsed;
  return typeof auths === 'object' && auths !== null ? (auths as Record<string, RegistryEntry>) : {};
}

function authOf(entry: RegistryEntry, serverAddress: string): Draft<AuthConfig> {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const decoded = Buffer.from(text(entry.auth), 'base64').toString();
  const colon = decoded.indexOf(':');
  return {
    username: text(entry.username) || (colon > 0 ? decoded.slice(0, colon) : ''),
    password: text(entry.password) || (colon > 0 ? decoded.slice(colon + 1) : ''),
    identityToken: text(entry.identitytoken),
    serverAddress,
  };
}
