import { unauthorized } from '@bayplan/api';
import type { TokenReview } from '@bayplan/api';
import type { Clock, Logger } from '@bayplan/component-base';
import { createHash } from 'node:crypto';
import { authenticated } from '../chain/user.ts';
import { JsonCaller } from '../config/json-call.ts';
import type { WebhookEndpoint } from '../config/kubeconfig-endpoint.ts';
import { withRetries } from '../config/with-retries.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';

const callTimeoutMs = 30_000;
const maxKept = 4_000;

export interface WebhookTokensOptions {
  readonly endpoint: WebhookEndpoint;
  readonly version: 'v1' | 'v1beta1';
  readonly cacheTtlMs: number;
  /** The audiences of this API server, asked for when the caller names none. */
  readonly apiAudiences: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Asks a service outside the cluster whose a token is, by `TokenReview`. Answers, good and bad, are kept for a while. */
export class WebhookTokens implements TokenAuthenticator {
  private readonly options: WebhookTokensOptions;
  private readonly caller: JsonCaller;
  private readonly kept = new Map<string, { readonly found: AuthenticatedToken | undefined; readonly untilMs: number }>();
  private readonly asking = new Map<string, Promise<AuthenticatedToken | undefined>>();

  constructor(options: WebhookTokensOptions) {
    this.options = options;
    this.caller = new JsonCaller(options.endpoint);
  }

  close(): void {
    this.caller.close();
  }

  async authenticate(token: string, audiences: readonly string[] = []): Promise<AuthenticatedToken | undefined> {
    const wanted = audiences.length > 0 ? audiences : this.options.apiAudiences;
    // The token itself is not kept in memory longer than its call.
    const key = createHash('sha256')
      .update(`${token}\n${wanted.join('\n')}`)
      .digest('base64');
    const now = this.options.clock.now();
    const kept = this.kept.get(key);
    if (kept !== undefined && kept.untilMs > now) return kept.found;
    let answer = this.asking.get(key);
    if (answer === undefined) {
      answer = this.ask(token, wanted, key).finally(() => this.asking.delete(key));
      this.asking.set(key, answer);
    }
    return answer;
  }

  private async ask(token: string, audiences: readonly string[], key: string): Promise<AuthenticatedToken | undefined> {
    const { endpoint, version, cacheTtlMs, clock, logger } = this.options;
    const review = {
      kind: 'TokenReview',
      apiVersion: `authentication.k8s.io/${version}`,
      metadata: { creationTimestamp: null },
      spec: { token, audiences },
      status: { user: {} },
    };
    let status: TokenReview['status'];
    try {
      const answer = (await withRetries(clock, () => this.caller.post(endpoint.url, review, callTimeoutMs))) as TokenReview;
      status = answer.status;
    } catch (cause) {
      logger.error('Token webhook could not be asked', { err: cause });
      throw Object.assign(unauthorized(), { cause });
    }
    const found = this.resultOf(status, audiences);
    if (cacheTtlMs > 0) {
      if (this.kept.size >= maxKept) this.kept.clear();
      this.kept.set(key, { found, untilMs: clock.now() + cacheTtlMs });
    }
    return found;
  }

  private resultOf(status: TokenReview['status'], wanted: readonly string[]): AuthenticatedToken | undefined {
    if (status?.authenticated !== true) {
      if (status?.error) this.options.logger.debug('Token webhook refused a token', { reason: status.error });
      return undefined;
    }
    // A webhook that knows nothing of audiences vouches for this API server's only.
    const given = status.audiences ?? [];
    const good = given.length > 0 ? given : this.options.apiAudiences;
    const audiences = wanted.filter((audience) => good.includes(audience));
    if (wanted.length > 0 && audiences.length === 0) return undefined;
    const { username = '', uid, groups = [], extra } = status.user ?? {};
    const user = authenticated(username, groups, {
      ...(uid === undefined || uid === '' ? {} : { uid }),
      extra: Object.fromEntries(Object.entries(extra ?? {}).map(([name, values]) => [name, [...(values as readonly string[])]])),
    });
    return { user, audiences };
  }
}
