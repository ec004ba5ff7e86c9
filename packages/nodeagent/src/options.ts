import type { Client, InformerFactory } from '@bayplan/client';
import type { Clock, Logger, MetricsRegistry } from '@bayplan/component-base';
import type { CriClient } from '@bayplan/rpc';

/** Runs a command of the host, such as `mount`, from a small process (the launcher). */
export interface HostCommands {
  /** Resolves with what the command left; rejects only when it could not be run or was aborted. */
  run(
    command: string,
    args: readonly string[],
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<HostCommandResult>;
}

export interface HostCommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Files of the node API's TLS, all PEM text. */
export interface NodeApiCertificates {
  readonly certPem: string;
  readonly keyPem: string;
  /** CA that signs the certificates of those who may call: the API server's client certificate. */
  readonly clientCaPem: string;
}

export interface NodeAgentOptions {
  readonly nodeName: string;
  readonly nodeIp: string;
  /** Acts as `system:node:NAME`. Owned by the caller. */
  readonly client: Client;
  /** Owned by the caller. */
  readonly cri: CriClient;
  /** Folder for the pods' volumes and files; pod directories are `HOME/pods/UID`. */
  readonly home: string;
  /** Root of the log layout `NS_NAME_UID/CONTAINER/N.log`. Default `/var/log/pods`. */
  readonly podLogsDir?: string;
  /** Port of the node API. Default 10250; 0 takes a free one. */
  readonly port?: number;
  /** Address the node API listens on. Default `0.0.0.0`. */
  readonly listenAddress?: string;
  readonly certificates: NodeApiCertificates;
  /** What containers get as `KUBERNETES_SERVICE_HOST` and `_PORT` until the Service itself is known. */
  readonly apiService: { readonly host: string; readonly port: number };
  readonly clusterDns: readonly string[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Used until the Node object carries `spec.podCIDR`. */
  readonly podCidr?: string;
  /** Most pods on this node. Default 1000. */
  readonly maxPods?: number;
  /** Parent of the pods' cgroups, relative to each hierarchy. Default `/kubepods`. */
  readonly cgroupRoot?: string;
  /** Where cgroup hierarchies are mounted. Default `/sys/fs/cgroup`. */
  readonly cgroupMount?: string;
  /** What is kept back from pods. Default: nothing. */
  readonly reserved?: { readonly cpuMilli?: number; readonly memoryBytes?: number };
  /** Labels that the node gets when it registers, besides the usual ones. */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** RuntimeDefault seccomp where a pod says nothing. Default true. */
  readonly seccompDefault?: boolean;
  /** How many pods may be started at the same time. Default 4. */
  readonly parallelStarts?: number;
  readonly hostCommands?: HostCommands;
  /** Shares the cache of Services with other components of the process. The caller starts it. */
  readonly informers?: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Stops the agent. Containers keep running. */
  readonly signal: AbortSignal;
}

/** A running node agent. */
export interface NodeAgent {
  /** The port that the node API listens on. */
  readonly port: number;
  /** Resolves when the node was registered and reported Ready the first time. */
  readonly ready: Promise<void>;
  /** Resolves when everything has stopped, after the signal aborted. */
  readonly stopped: Promise<void>;
}
