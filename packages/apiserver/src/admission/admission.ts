import { forbidden } from '@bayplan/api';
import type { KubeObject, StatusError } from '@bayplan/api';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { RequestContext } from '../chain/context.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { User } from '../chain/user.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What admission is asked about. */
export interface AdmissionRequest {
  readonly operation: Operation;
  /** The resource in the version of the request. */
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** In the stored version; `mutate` may change it. For subresources with a body of their own, that body. Undefined for DELETE. */
  readonly object: KubeObject | undefined;
  /** Shared. */
  readonly old: KubeObject | undefined;
  /** What `object` and `old` are when they are no objects of `resource`: Scale, Eviction, PodExecOptions. */
  readonly bodyKind?: GroupVersionKind | undefined;
  /** `CreateOptions`, `UpdateOptions` or `DeleteOptions` as the caller gave them; undefined for CONNECT. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** The request that it is asked for. */
  readonly context: RequestContext;
  readonly user: User;
  readonly dryRun: boolean;
  /** Ends when the caller goes away. */
  readonly signal: AbortSignal;
  /** Adds a `Warning` header. */
  warn(text: string): void;
  /** Adds an annotation to the audit event of the request; the first value of a key stays. */
  annotate(key: string, value: string): void;
}

/** A plug-in of the chain. It throws `StatusError`, mostly `Forbidden`, to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  /** True when another mutating plug-in should run again, because of what this one changed. */
  mutate?(request: AdmissionRequest, round: MutationRound): Promise<boolean | void> | boolean | void;
  validate?(request: AdmissionRequest): Promise<void> | void;
}

/** One of at most two rounds of mutation; `state` outlives the first for whoever left something there. */
export interface MutationRound {
  readonly again: boolean;
  readonly state: Map<string, unknown>;
}

/** Runs the plug-ins in order: all that mutate (twice if one of them asks), later all that validate. */
export class Admission {
  private readonly plugins: readonly AdmissionPlugin[];

  private readonly metrics: AdmissionMetrics;

  constructor(plugins: readonly AdmissionPlugin[], metrics: AdmissionMetrics) {
    this.plugins = plugins;
    this.metrics = metrics;
  }

  mutate(request: AdmissionRequest): Promise<void> {
    return this.metrics.step('admit', request.operation, async () => {
      const state = new Map<string, unknown>();
      if (await this.round(request, { again: false, state })) await this.round(request, { again: true, state });
    });
  }

  validate(request: AdmissionRequest): Promise<void> {
    return this.metrics.step('validate', request.operation, async () => {
      for (const plugin of this.plugins) {
        // Most plug-ins are not concerned by most requests: what did not wait needs no turn of its own.
        const work = plugin.validate?.(request);
        if (work instanceof Promise) await work;
      }
    });
  }

  private async round(request: AdmissionRequest, round: MutationRound): Promise<boolean> {
    let again = false;
    for (const plugin of this.plugins) {
      const work = plugin.mutate?.(request, round);
      if ((work instanceof Promise ? await work : work) === true) again = true;
    }
    return again;
  }
}

type Subject = Pick<AdmissionRequest, 'operation' | 'resource' | 'subresource' | 'namespace' | 'name' | 'object' | 'old' | 'dryRun'> &
  Partial<Pick<AdmissionRequest, 'bodyKind' | 'options'>>;

/** A question to admission on behalf of a request. */
export function admissionRequest(context: RequestContext, subject: Subject): AdmissionRequest {
  return new Question(context, subject);
}

class Question implements AdmissionRequest {
  readonly operation: Operation;
  readonly resource: ServedResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly bodyKind: GroupVersionKind | undefined;
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly context: RequestContext;
  readonly user: User;
  readonly dryRun: boolean;

  constructor(context: RequestContext, subject: Subject) {
    this.operation = subject.operation;
    this.resource = subject.resource;
    this.subresource = subject.subresource;
    this.namespace = subject.namespace;
    this.name = subject.name;
    this.object = subject.object;
    this.old = subject.old;
    this.bodyKind = subject.bodyKind;
    this.options = subject.options;
    this.context = context;
    this.user = context.user;
    this.dryRun = subject.dryRun;
  }

  /** Few plug-ins wait for something: a signal is dear, and made when one asks for it. */
  get signal(): AbortSignal {
    return this.context.request.signal;
  }

  warn(text: string): void {
    this.context.warnings.push(text);
  }

  annotate(key: string, value: string): void {
    this.context.auditAnnotations ??= new Map();
    if (!this.context.auditAnnotations.has(key)) this.context.auditAnnotations.set(key, value);
  }
}

/** Mutates and validates the body of a subresource or of a resource that is answered and not stored. */
export async function admit(admission: Admission, request: AdmissionRequest): Promise<void> {
  await admission.mutate(request);
  await admission.validate(request);
}

/** Makes `target`, which others hold, have the contents of `source`. */
export function replaceContents(target: KubeObject, source: KubeObject): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) Reflect.deleteProperty(target, key);
  Object.assign(target, source);
}

/** `Forbidden` about the object of a request, under its name or, where it has none yet, what its name will begin with. */
export function refuse({ resource, name, object }: AdmissionRequest, message: string): StatusError {
  return forbidden(resource, name || object?.metadata.name || object?.metadata.generateName || 'Unknown', message);
}
