import type { KubeObject } from '@bayplan/api';
import type { ServedResource } from '../registry/served-resource.ts';
import type { User } from '../chain/user.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What admission is asked about. */
export interface AdmissionRequest {
  readonly operation: Operation;
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** In the stored version; `mutate` may change it. For subresources with a body of their own, that body. Undefined for DELETE. */
  readonly object: KubeObject | undefined;
  /** Shared. */
  readonly old: KubeObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** Adds a `Warning` header. */
  warn(text: string): void;
}

/** A plug-in of the chain. It throws `StatusError`, mostly `Forbidden`, to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(request: AdmissionRequest): Promise<void> | void;
  validate?(request: AdmissionRequest): Promise<void> | void;
}

/** Runs the plug-ins in order: all that mutate, later all that validate. */
export class Admission {
  private readonly plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.plugins = plugins;
  }

  async mutate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.plugins) await plugin.mutate?.(request);
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.plugins) await plugin.validate?.(request);
  }
}
