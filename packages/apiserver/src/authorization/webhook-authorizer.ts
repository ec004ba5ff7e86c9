import type { SubjectAccessReview, SubjectAccessReviewSpec, SubjectAccessReviewStatus } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import { JsonCaller } from '../config/json-call.ts';
import type { WebhookEndpoint } from '../config/kubeconfig-endpoint.ts';
import { withRetries } from '../config/with-retries.ts';
import type { User } from '../chain/user.ts';
import type { WebhookConfiguration } from './authorization-configuration.ts';
import { noOpinion } from './authorizer.ts';
import type { Access, Authorizer, Decision, KnownRules } from './authorizer.ts';

const maxKept = 8_192;
/** Of an access: longer ones are asked about every time, so that a stranger cannot fill the memory with keys. */
const maxKeptKeyChars = 10_000;

export interface WebhookAuthorizerOptions {
  readonly name: string;
  readonly config: Omit<WebhookConfiguration, 'kubeconfigFile'>;
  readonly endpoint: WebhookEndpoint;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Asks a service by `SubjectAccessReview`, for what its match conditions let through. */
export class WebhookAuthorizer implements Authorizer {
  private readonly options: WebhookAuthorizerOptions;
  private readonly caller: JsonCaller;
  private readonly kept = new Map<string, { readonly status: SubjectAccessReviewStatus; readonly untilMs: number }>();

  constructor(options: WebhookAuthorizerOptions) {
    this.options = options;
    this.caller = new JsonCaller(options.endpoint);
  }

  close(): void {
    this.caller.close();
  }

  async authorize(user: User, access: Access): Promise<Decision> {
    const { config, logger, name } = this.options;
    const onFailure = config.failurePolicy === 'Deny' ? 'deny' : 'no-opinion';
    const spec = specOf(user, access);
    try {
      if (!this.matches(spec)) return noOpinion;
      return decisionOf(await this.statusOf(spec));
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      logger.error('Authorization webhook failed', { err: error, webhook: name });
      return { verdict: onFailure, reason: '', error };
    }
  }

  rulesFor(): Promise<KnownRules> {
    return Promise.resolve({ rules: [], incomplete: true, errors: ['webhook authorizer does not support user rule resolution'] });
  }

  /** One condition that is false decides, even when another fails. */
  private matches(spec: SubjectAccessReviewSpec): boolean {
    let failure: unknown;
    for (const { text, compiled } of this.options.config.matchConditions) {
      try {
        if (compiled.evaluate({ request: forConditions(spec) }) !== true) return false;
      } catch (cause) {
        failure ??= new Error(`match condition ${JSON.stringify(text)}: ${(cause as Error).message}`, { cause });
      }
    }
    if (failure !== undefined) throw failure;
    return true;
  }

  private async statusOf(spec: SubjectAccessReviewSpec): Promise<SubjectAccessReviewStatus> {
    const { clock, config, endpoint } = this.options;
    const key = JSON.stringify(spec);
    const kept = this.kept.get(key);
    if (kept !== undefined && kept.untilMs > clock.now()) return kept.status;
    const review = {
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${config.version}`,
      metadata: {},
      spec: wireSpec(spec, config.version),
    };
    const answer = (await withRetries(clock, () => this.caller.post(endpoint.url, review, config.timeoutMs))) as SubjectAccessReview;
    const status: SubjectAccessReviewStatus = answer.status ?? { allowed: false };
    const ttlMs = status.allowed ? config.authorizedTtlMs : config.unauthorizedTtlMs;
    if (ttlMs > 0 && key.length <= maxKeptKeyChars) this.keep(key, status, clock.now() + ttlMs);
    return status;
  }

  private keep(key: string, status: SubjectAccessReviewStatus, untilMs: number): void {
    this.kept.delete(key);
    this.kept.set(key, { status, untilMs });
    if (this.kept.size <= maxKept) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }
}

function decisionOf({ allowed, denied, reason = '' }: SubjectAccessReviewStatus): Decision {
  if (denied === true && allowed)
    return { verdict: 'deny', reason, error: new Error('webhook subject access review returned both allow and deny response') };
  if (denied === true) return { verdict: 'deny', reason };
  return { verdict: allowed ? 'allow' : 'no-opinion', reason };
}

function specOf(user: User, access: Access): SubjectAccessReviewSpec {
  const who = {
    user: user.name,
    groups: [...user.groups],
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...(Object.keys(user.extra).length === 0
      ? {}
      : { extra: Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]])) }),
  };
  if (access.kind === 'path') return { nonResourceAttributes: { path: access.path, verb: access.verb }, ...who };
  const { namespace, verb, group, version, resource, subresource, name } = access;
  const { field = [], label = [] } = access.selectors?.() ?? {};
  const filled = Object.fromEntries(
    Object.entries({ namespace, verb, group, version, resource, subresource, name }).filter(([, value]) => value !== ''),
  );
  const requirements = (list: typeof field) => ({
    requirements: list.map(({ key, operator, values }) => ({ key, operator, values: [...values] })),
  });
  return {
    resourceAttributes: {
      ...filled,
      ...(field.length === 0 ? {} : { fieldSelector: requirements(field) }),
      ...(label.length === 0 ? {} : { labelSelector: requirements(label) }),
    },
    ...who,
  };
}

/** Conditions may ask for every field of what is there, empty or not. */
function forConditions({ resourceAttributes, user, uid, groups, extra, ...rest }: SubjectAccessReviewSpec): object {
  const empty = { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '' };
  return {
    ...rest,
    user: user ?? '',
    uid: uid ?? '',
    groups: groups ?? [],
    extra: extra ?? {},
    ...(resourceAttributes === undefined ? {} : { resourceAttributes: { ...empty, ...resourceAttributes } }),
  };
}

/** The old version calls the groups of a user `group`. */
function wireSpec({ groups, ...rest }: SubjectAccessReviewSpec, version: 'v1' | 'v1beta1'): object {
  return { ...rest, [version === 'v1' ? 'groups' : 'group']: groups };
}
