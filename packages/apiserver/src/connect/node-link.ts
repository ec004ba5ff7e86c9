import { badRequest, internalError, serviceUnavailable } from '@bayplan/api';
import type { Node } from '@bayplan/api';
import { issueCertificate } from '@bayplan/component-base';
import type { Clock, KeyPair } from '@bayplan/component-base';
import { Agent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { ClusterKeys } from '../keys/cluster-keys.ts';
import type { Registry } from '../registry/registry.ts';

const preferredAddresses = ['InternalIP', 'ExternalIP', 'Hostname'];
const defaultPort = 10_250;

/** Who the server is to node agents; they let `system:masters` do everything. */
const identity = { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['client'] } as const;

/** How this server reaches the node agents: where each listens, and with which certificate. */
export class NodeLink {
  private readonly registry: Registry;
  private readonly keys: ClusterKeys;
  private readonly clock: Clock;
  private certificate: Promise<KeyPair> | undefined;
  private kept: Agent | undefined;

  constructor(registry: Registry, keys: ClusterKeys, clock: Clock) {
    this.registry = registry;
    this.keys = keys;
    this.clock = clock;
  }

  /** The URL of a node's API, without a path. Throws when the node has no address. */
  async urlOf(nodeName: string): Promise<URL> {
    const { object } = await this.registry.stored('', 'v1', 'nodes').storage.get('', nodeName);
    const { status } = object as Node;
    const addresses = status?.addresses ?? [];
    for (const type of preferredAddresses) {
      const found = addresses.find((address) => address.type === type);
      if (found === undefined) continue;
      const port = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? defaultPort;
      return new URL(`https://${found.address.includes(':') ? `[${found.address}]` : found.address}:${port.toString()}`);
    }
    throw internalError(`node ${nodeName} has no address`);
  }

  /** Trust and identity for TLS to any node. */
  async tls(): Promise<ConnectionOptions> {
    this.certificate ??= issueCertificate(this.keys.ca, identity, this.clock.now());
    const { certPem, keyPem } = await this.certificate;
    return { ca: this.keys.ca.certPem, cert: certPem, key: keyPem };
  }

  /** Keeps connections to nodes between requests. */
  async agent(): Promise<Agent> {
    this.kept ??= new Agent({ ...(await this.tls()), keepAlive: true, maxFreeSockets: 4, timeout: 60_000 });
    return this.kept;
  }

  close(): void {
    this.kept?.destroy();
  }
}

/** The node a pod runs on. Throws `BadRequest` when it has none yet. */
export function nodeNameOf(pod: {
  readonly metadata: { readonly name?: string | undefined };
  readonly spec?: { readonly nodeName?: string | undefined } | undefined;
}): string {
  const nodeName = pod.spec?.nodeName;
  if (!nodeName) throw badRequest(`pod ${pod.metadata.name ?? ''} does not have a host assigned`);
  return nodeName;
}

/** What a caller is told when the other end does not answer. */
export function unreachable(target: URL, cause: unknown): Error {
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
  return serviceUnavailable(`error trying to reach service: dial ${target.host}: ${reason}`);
}
