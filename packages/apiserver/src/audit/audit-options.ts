/** What is recorded of requests, and where to. */
export interface AuditOptions {
  /** A Policy of `audit.k8s.io/v1`. */
  readonly policyFile?: string | undefined;
  readonly log?:
    | {
        /** `-` is standard output. */
        readonly path: string;
        /** Default 100; 0 lets the file grow. */
        readonly maxSizeMb?: number | undefined;
        /** Default 366; 0 keeps all. */
        readonly maxAgeDays?: number | undefined;
        /** Default 100; 0 keeps all. */
        readonly maxBackups?: number | undefined;
      }
    | undefined;
  readonly webhook?:
    | {
        /** A kubeconfig whose cluster is the webhook. */
        readonly configFile: string;
        /** Default 400 events. */
        readonly batchSize?: number | undefined;
        /** Default 30 s. */
        readonly batchWaitMs?: number | undefined;
        /** Events that may wait; default 10,000. */
        readonly bufferSize?: number | undefined;
      }
    | undefined;
}
