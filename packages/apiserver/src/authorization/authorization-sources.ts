import type { Clock, Logger } from '@bayplan/component-base';
import { ConfigError } from '../config/config-node.ts';
import type { ExpressionCompiler } from '../config/expressions.ts';
import { readEndpoint } from '../config/kubeconfig-endpoint.ts';
import { WatchedFile } from '../config/watched-file.ts';
import type { User } from '../chain/user.ts';
import { readAuthorizationConfiguration } from './authorization-configuration.ts';
import type { AuthorizationMode, AuthorizerConfiguration } from './authorization-configuration.ts';
import { union } from './authorizer.ts';
import type { Access, Authorizer, Decision, KnownRules } from './authorizer.ts';
import { superuser } from './superuser.ts';
import { WebhookAuthorizer } from './webhook-authorizer.ts';

/** Who decides what may be done. */
export interface AuthorizationOptions {
  /** An AuthorizationConfiguration; read again when it changes. Not together with `modes` or `webhook`. */
  readonly configFile?: string | undefined;
  /** In the order in which they are asked. Default `Node`, `RBAC`. */
  readonly modes?: readonly AuthorizationMode[] | undefined;
  readonly webhook?:
    | {
        readonly configFile: string;
        /** Default `v1beta1`. */
        readonly version?: 'v1' | 'v1beta1' | undefined;
        /** Default 5 minutes. */
        readonly authorizedTtlMs?: number | undefined;
        /** Default 30 seconds. */
        readonly unauthorizedTtlMs?: number | undefined;
      }
    | undefined;
}

export interface AuthorizationSourcesOptions extends AuthorizationOptions {
  readonly node: Authorizer;
  readonly rbac: Authorizer;
  readonly loadCompiler: () => Promise<ExpressionCompiler>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onReload?: (succeeded: boolean) => void;
}

const alwaysAllow: Authorizer = {
  authorize: () => Promise.resolve({ verdict: 'allow', reason: '' }),
  rulesFor: () =>
    Promise.resolve({
      rules: [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ],
      incomplete: false,
      errors: [],
    }),
};
const alwaysDeny: Authorizer = {
  authorize: () => Promise.resolve({ verdict: 'no-opinion', reason: 'Everything is forbidden.' }),
  rulesFor: () => Promise.resolve({ rules: [], incomplete: false, errors: [] }),
};

/** The chain of authorisers, `system:masters` before all others; made again when its file changes. */
export class AuthorizationSources implements Authorizer {
  private readonly options: AuthorizationSourcesOptions;
  private current: Authorizer;
  private webhooks: readonly WebhookAuthorizer[] = [];
  private file: WatchedFile | undefined;

  private constructor(options: AuthorizationSourcesOptions) {
    this.options = options;
    this.current = union([superuser, options.node, options.rbac]);
  }

  /** Reads every file. Rejects with `ConfigError`. */
  static async open(options: AuthorizationSourcesOptions): Promise<AuthorizationSources> {
    const sources = new AuthorizationSources(options);
    const { configFile, modes, webhook, clock, logger, onReload } = options;
    if (configFile === undefined) {
      await sources.use(configurationOf(options));
      return sources;
    }
    if (modes !== undefined || webhook !== undefined)
      throw new ConfigError(
        '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
      );
    sources.file = await WatchedFile.open({
      file: configFile,
      clock,
      logger,
      apply: async (text) => sources.use(readAuthorizationConfiguration(text, configFile, await options.loadCompiler())),
      ...(onReload === undefined ? {} : { onReload }),
    }).catch((cause: unknown) => {
      throw cause instanceof ConfigError ? cause : new ConfigError(`${configFile}: ${(cause as Error).message}`, { cause });
    });
    return sources;
  }

  authorize(user: User, access: Access): Promise<Decision> {
    return this.current.authorize(user, access);
  }

  async rulesFor(user: User, namespace: string): Promise<KnownRules> {
    return (await this.current.rulesFor?.(user, namespace)) ?? { rules: [], incomplete: true, errors: [] };
  }

  close(): void {
    this.file?.close();
    for (const webhook of this.webhooks) webhook.close();
  }

  private async use(configs: readonly AuthorizerConfiguration[]): Promise<void> {
    const webhooks: WebhookAuthorizer[] = [];
    const chain: Authorizer[] = [superuser];
    for (const config of configs) {
      switch (config.type) {
        case 'Node':
          chain.push(this.options.node);
          break;
        case 'RBAC':
          chain.push(this.options.rbac);
          break;
        case 'AlwaysAllow':
          chain.push(alwaysAllow);
          break;
        case 'AlwaysDeny':
          chain.push(alwaysDeny);
          break;
        case 'Webhook': {
          const { clock, logger } = this.options;
          const endpoint = await readEndpoint(config.webhook.kubeconfigFile);
          const webhook = new WebhookAuthorizer({ name: config.name, config: config.webhook, endpoint, clock, logger });
          webhooks.push(webhook);
          chain.push(webhook);
        }
      }
    }
    const before = this.webhooks;
    this.webhooks = webhooks;
    this.current = union(chain);
    for (const webhook of before) webhook.close();
  }
}

/** What the flags say, as a file would. Throws `ConfigError`. */
function configurationOf({ modes = ['Node', 'RBAC'], webhook }: AuthorizationOptions): AuthorizerConfiguration[] {
  const twice = modes.find((mode, index) => modes.indexOf(mode) !== index);
  if (twice !== undefined) throw new ConfigError(`authorization-mode ${JSON.stringify(twice)} has mode specified more than once`);
  if (webhook !== undefined && !modes.includes('Webhook'))
    throw new ConfigError('cannot specify --authorization-webhook-config-file without mode Webhook');
  return modes.map((type) => {
    if (type !== 'Webhook') return { type, name: type.toLowerCase() };
    if (webhook === undefined) throw new ConfigError("authorization-mode Webhook's authorization config file not passed");
    return {
      type,
      name: 'default',
      webhook: {
        kubeconfigFile: webhook.configFile,
        timeoutMs: 30_000,
        version: webhook.version ?? 'v1beta1',
        authorizedTtlMs: webhook.authorizedTtlMs ?? 5 * 60_000,
        unauthorizedTtlMs: webhook.unauthorizedTtlMs ?? 30_000,
        failurePolicy: 'NoOpinion',
        matchConditions: [],
      },
    };
  });
}
