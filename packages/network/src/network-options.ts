import type { Clock, Logger, MetricsRegistry } from '@bayplan/component-base';
import type { Client, InformerFactory } from '@bayplan/client';

/** What the network component of one node needs. Everything with a default is a flag of the agent. */
export interface NetworkOptions {
  readonly client: Client;
  /** Shared with the rest of the process; used for Services, EndpointSlices and Nodes. The owner starts it. */
  readonly informers: InformerFactory;
  readonly nodeName: string;
  /** The node's IPv4 address as the cluster knows it: the source of hairpinned and forwarded node-port traffic. */
  readonly nodeIp: string;
  /** All pod addresses. Default `10.128.0.0/10`. */
  readonly clusterCidr?: string;
  /** All Service addresses. Default `10.96.0.0/12`. */
  readonly serviceCidr?: string;
  /** Where cluster DNS listens on every node; inside `serviceCidr`. Default `10.96.0.10`. */
  readonly dnsAddress?: string;
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** The host's resolver configuration, whose servers answer for names outside the cluster. Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
  /** Folder for scripts handed to `nft`. Default `/run/bayplan/network`. */
  readonly runDirectory?: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  /** Aborting it is the same as calling `stop`. */
  readonly signal: AbortSignal;
}

/** A running network component. */
export interface Network {
  /** Resolves when the rules are in the kernel for the first time and DNS listens. Rejects when stopped before. */
  readonly ready: Promise<void>;
  /**
   * Stops DNS and rule updates and ends the helper processes. The rules, routes and the DNS address
   * stay, so that pods keep their Services while the agent restarts; `cleanupNetwork` removes them.
   */
  stop(): Promise<void>;
}

/** The ranges and names in force, after defaults. */
export interface NetworkSettings {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsAddress: string;
  readonly clusterDomain: string;
}

export function completeSettings(options: NetworkOptions): NetworkSettings {
  return Object.freeze({
    nodeName: options.nodeName,
    nodeIp: options.nodeIp,
    clusterCidr: options.clusterCidr ?? '10.128.0.0/10',
    serviceCidr: options.serviceCidr ?? '10.96.0.0/12',
    dnsAddress: options.dnsAddress ?? '10.96.0.10',
    clusterDomain: options.clusterDomain ?? 'cluster.local',
  });
}
