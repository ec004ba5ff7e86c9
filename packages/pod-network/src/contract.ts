/** Runs one command of the host to its end. The runtime shim passes its launcher. */
export interface NetworkCommands {
  run(
    command: string,
    args: readonly string[],
    options?: { readonly stdin?: string; readonly signal?: AbortSignal },
  ): Promise<NetworkCommandResult>;
}

export interface NetworkCommandResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface PodAttachment {
  /** Unique for the life of the node's data; names of interfaces derive from it. */
  readonly sandboxId: string;
  /** A file that pins the pod's network namespace. */
  readonly netnsPath: string;
}

/**
 * Connects pods to the node's network. Every verb may be repeated: `setup` of an attached pod
 * returns the same addresses, `teardown` of an unknown one does nothing. Everything made on the
 * host carries a name derived from the sandbox's id.
 */
export interface PodNetwork {
  /** Prepares the host once, before the first `setup`. */
  prepare(): Promise<void>;
  /** The range that pods of this node get addresses from; may be called again with the same or a new range. */
  configure(podCidr: string): Promise<void>;
  /** Why pods cannot be attached now, or undefined when they can. */
  notReadyReason(): string | undefined;
  /** Gives the namespace an interface `eth0` with an address. On failure nothing is left behind. */
  setup(pod: PodAttachment, signal?: AbortSignal): Promise<{ readonly ips: readonly string[] }>;
  /** Removes the pod's interfaces and frees its addresses. The namespace may be gone already. */
  teardown(sandboxId: string): Promise<void>;
  /** Frees the addresses and interfaces of all pods that are not in `sandboxIds`. */
  retain(sandboxIds: ReadonlySet<string>): Promise<void>;
}
