import type { Clock } from '@bayplan/component-base';
import type { RemoteApi } from './remote-api.ts';

/** How long documents of a remote server are taken as they are. */
const keptMs = 60_000;
const fetchTimeoutMs = 5_000;

/** One version of a remote group in the form of aggregated discovery. */
export interface RemoteVersion {
  readonly resources: readonly object[];
  /** The last attempt to ask failed: what is shown is what was known before, if anything. */
  readonly stale: boolean;
  /** Path below the root of the server and query, as its OpenAPI v3 root names it; undefined when it has none. */
  readonly openapi: string | undefined;
}

const unknown: RemoteVersion = { resources: [], stale: true, openapi: undefined };

interface LegacyResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** What one remote group and version consists of, asked for when somebody wants to know and kept for a minute. */
export class RemoteDiscovery {
  private readonly remote: RemoteApi;
  private readonly group: string;
  private readonly version: string;
  private readonly clock: Clock;
  private known = unknown;
  private askedMs = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(remote: RemoteApi, group: string, version: string, clock: Clock) {
    this.remote = remote;
    this.group = group;
    this.version = version;
    this.clock = clock;
  }

  /** Waits (at most five seconds) only when nothing was ever known; otherwise answers at once and asks behind it. */
  async current(): Promise<RemoteVersion> {
    if (this.clock.monotonic() - this.askedMs > keptMs) {
      this.asking ??= this.ask().finally(() => (this.asking = undefined));
      if (this.known === unknown) await this.asking;
    }
    return this.known;
  }

  /** The next question is asked anew. */
  forget(): void {
    this.askedMs = -Infinity;
  }

  private async ask(): Promise<void> {
    const deadline = new AbortController();
    const timer = this.clock.after(fetchTimeoutMs, () => deadline.abort(), { unref: true });
    try {
      const path = `/apis/${this.group}/${this.version}`;
      const { bytes } = await this.remote.get(path, 'application/json', deadline.signal);
      const { resources = [] } = JSON.parse(bytes.toString('utf8')) as { resources?: LegacyResource[] };
      this.known = { resources: this.aggregated(resources), stale: false, openapi: await this.openapi(deadline.signal) };
    } catch {
      this.known = { ...this.known, stale: true };
    } finally {
      timer.cancel();
      this.askedMs = this.clock.monotonic();
    }
  }

  private async openapi(signal: AbortSignal): Promise<string | undefined> {
    try {
      const { bytes } = await this.remote.get('/openapi/v3', 'application/json', signal);
      const { paths } = JSON.parse(bytes.toString('utf8')) as { paths?: Record<string, { serverRelativeURL?: string }> };
      return paths?.[`apis/${this.group}/${this.version}`]?.serverRelativeURL;
    } catch {
      // Many extension servers have none.
      return undefined;
    }
  }

  private aggregated(resources: readonly LegacyResource[]): object[] {
    const kindOf = (resource: LegacyResource): object => ({
      group: resource.group ?? this.group,
      version: resource.version ?? this.version,
      kind: resource.kind,
    });
    return resources
      .filter((resource) => !resource.name.includes('/'))
      .map((resource) => {
        const parts = resources.filter((other) => other.name.startsWith(`${resource.name}/`));
        return {
          resource: resource.name,
          responseKind: kindOf(resource),
          scope: resource.namespaced ? 'Namespaced' : 'Cluster',
          singularResource: resource.singularName ?? '',
          verbs: resource.verbs ?? [],
          ...(resource.shortNames?.length ? { shortNames: resource.shortNames } : {}),
          ...(resource.categories?.length ? { categories: resource.categories } : {}),
          ...(parts.length === 0
            ? {}
            : {
                subresources: parts.map((part) => ({
                  subresource: part.name.slice(resource.name.length + 1),
                  responseKind: kindOf(part),
                  verbs: part.verbs ?? [],
                })),
              }),
        };
      });
  }
}
