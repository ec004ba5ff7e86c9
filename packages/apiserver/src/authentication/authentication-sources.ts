import type { Clock, Logger } from '@bayplan/component-base';
import { ConfigError } from '../config/config-node.ts';
import type { ExpressionCompiler } from '../config/expressions.ts';
import { readEndpoint } from '../config/kubeconfig-endpoint.ts';
import { WatchedFile } from '../config/watched-file.ts';
import { readAuthenticationConfiguration } from './authentication-configuration.ts';
import type { AnonymousConfiguration, JwtConfiguration } from './authentication-configuration.ts';
import type { AuthenticationOptions } from './authentication-options.ts';
import type { TokenAuthenticator } from './authenticator.ts';
import { JwtAuthenticator } from './jwt-authenticator.ts';
import { JwtKeys } from './jwt-keys.ts';
import { configurationOfFlags } from './oidc-flags.ts';
import { WebhookTokens } from './webhook-tokens.ts';

const healthOnly: AnonymousConfiguration = { enabled: true, paths: ['/livez', '/readyz', '/healthz'] };
const everywhere: AnonymousConfiguration = { enabled: true, paths: [] };
const nowhere: AnonymousConfiguration = { enabled: false, paths: [] };
const defaultCacheTtlMs = 2 * 60_000;

export interface SourcesOptions extends AuthenticationOptions {
  readonly apiAudiences: readonly string[];
  /** Issuers that only this API server may speak for. */
  readonly disallowedIssuers: readonly string[];
  readonly loadCompiler: () => Promise<ExpressionCompiler>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onReload?: (succeeded: boolean) => void;
}

/** The ways of authentication that are configured: several issuers, a webhook, who may come without credentials. */
export class AuthenticationSources {
  private readonly options: SourcesOptions;
  private jwt: readonly JwtAuthenticator[] = [];
  /** By issuer, so that an unchanged one goes on when its file changes. */
  private keys = new Map<string, JwtKeys>();
  private webhook: WebhookTokens | undefined;
  private allowed: AnonymousConfiguration;
  private file: WatchedFile | undefined;

  private constructor(options: SourcesOptions) {
    this.options = options;
    this.allowed = this.anonymousByDefault();
  }

  /** Reads every file. Rejects with `ConfigError`. */
  static async open(options: SourcesOptions): Promise<AuthenticationSources> {
    const sources = new AuthenticationSources(options);
    const { configFile, oidc, webhook, clock, logger, onReload } = options;
    if (configFile !== undefined && oidc !== undefined)
      throw new ConfigError('authentication-config and oidc-* flags are mutually exclusive');
    if (oidc !== undefined) sources.use([await configurationOfFlags(oidc)]);
    if (webhook !== undefined)
      sources.webhook = new WebhookTokens({
        endpoint: await readEndpoint(webhook.configFile),
        version: webhook.version ?? 'v1beta1',
        cacheTtlMs: webhook.cacheTtlMs ?? defaultCacheTtlMs,
        apiAudiences: options.apiAudiences,
        clock,
        logger,
      });
    if (configFile !== undefined)
      sources.file = await WatchedFile.open({
        file: configFile,
        clock,
        logger,
        apply: (text) => sources.read(text, configFile),
        ...(onReload === undefined ? {} : { onReload }),
      }).catch((cause: unknown) => {
        throw cause instanceof ConfigError ? cause : new ConfigError(`${configFile}: ${(cause as Error).message}`, { cause });
      });
    return sources;
  }

  /** In the order in which they are asked. */
  get tokens(): readonly TokenAuthenticator[] {
    return this.webhook === undefined ? this.jwt : [...this.jwt, this.webhook];
  }

  /** Whether a request without credentials may go on as `system:anonymous`. */
  allowsAnonymous(path: string): boolean {
    return this.allowed.enabled && (this.allowed.paths.length === 0 || this.allowed.paths.includes(path));
  }

  /** Issuers whose keys are not known yet, with the reason. */
  unhealthy(): readonly string[] {
    return this.jwt.flatMap(({ issuer, unhealthy }) => (unhealthy === undefined ? [] : [`${issuer}: ${unhealthy.message}`]));
  }

  close(): void {
    this.file?.close();
    this.webhook?.close();
    for (const keys of this.keys.values()) keys.close();
  }

  private async read(text: string, name: string): Promise<void> {
    const { loadCompiler, disallowedIssuers, anonymous } = this.options;
    const compiler = await loadCompiler();
    const found = readAuthenticationConfiguration(text, name, { compiler, disallowedIssuers });
    if (found.anonymous !== undefined && anonymous !== undefined)
      throw new ConfigError('--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file');
    this.use(found.jwt);
    this.allowed = found.anonymous ?? this.anonymousByDefault();
  }

  private use(configs: readonly JwtConfiguration[]): void {
    const { apiAudiences, clock, logger } = this.options;
    const before = this.keys;
    this.keys = new Map();
    this.jwt = configs.map((config) => {
      const id = JSON.stringify(config.issuer);
      let keys = before.get(id);
      if (keys === undefined) {
        keys = new JwtKeys(config.issuer, clock, logger);
        keys.start();
      }
      this.keys.set(id, keys);
      return new JwtAuthenticator({ config, apiAudiences, keys, clock });
    });
    for (const [id, keys] of before) if (!this.keys.has(id)) keys.close();
  }

  private anonymousByDefault(): AnonymousConfiguration {
    switch (this.options.anonymous) {
      case true:
        return everywhere;
      case false:
        return nowhere;
      case undefined:
        return healthOnly;
    }
  }
}
