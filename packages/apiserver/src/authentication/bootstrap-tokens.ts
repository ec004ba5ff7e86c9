import { unauthorized } from '@bayplan/api';
import type { Secret } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { timingSafeEqual } from 'node:crypto';
import { authenticated } from '../chain/user.ts';
import type { Registry } from '../registry/registry.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authenticator.ts';

const pattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
/** Extra groups that a token may give; one that is no bootstrapper's makes the whole token bad. */
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Tokens by which machines join: Secrets of type `bootstrap.kubernetes.io/token` in `kube-system`. */
export class BootstrapTokens implements TokenAuthenticator {
  private readonly registry: Registry;
  private readonly clock: Clock;
  private readonly apiAudiences: readonly string[];

  /** `apiAudiences` are this API server's: the tokens are good for no others. */
  constructor(registry: Registry, clock: Clock, apiAudiences: readonly string[]) {
    this.registry = registry;
    this.clock = clock;
    this.apiAudiences = apiAudiences;
  }

  async authenticate(token: string, audiences: readonly string[] = []): Promise<AuthenticatedToken | undefined> {
    const match = pattern.exec(token);
    if (match === null) return undefined;
    const common = audiences.length === 0 ? this.apiAudiences : audiences.filter((audience) => this.apiAudiences.includes(audience));
    if (common.length === 0) throw unauthorized();
    const [, id = '', secret = ''] = match;
    const stored = await this.registry.stored('', 'v1', 'secrets').storage.find('kube-system', `bootstrap-token-${id}`);
    const object = stored?.object as Secret | undefined;
    if (object === undefined || object.metadata?.deletionTimestamp || object.type !== 'bootstrap.kubernetes.io/token') throw unauthorized();
    const data = (name: string): string => Buffer.from(object.data?.[name] ?? '', 'base64').toString('utf8');
    const good = data('token-id') === id && same(data('token-secret'), secret) && data('usage-bootstrap-authentication') === 'true';
    const expiration = data('expiration');
    if (!good || (expiration !== '' && !(Date.parse(expiration) > this.clock.now()))) throw unauthorized();
    const listed = data('auth-extra-groups');
    const groups = listed === '' ? [] : listed.split(',');
    if (!groups.every((group) => groupPattern.test(group))) throw unauthorized();
    return { user: authenticated(`system:bootstrap:${id}`, ['system:bootstrappers', ...groups]), audiences: common };
  }
}

/** Takes the same time wherever two texts differ. */
function same(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
