import { parseDuration, parseFeatureGates } from '@bayplan/api';
import type { FeatureGates } from '@bayplan/api';
import type { ApiServerOptions, PodRoute } from '@bayplan/apiserver';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { commaList } from './options.ts';
import { UserError } from './user-error.ts';

/** Flags of the API server, named as kube-apiserver names them. */
export interface ApiFlags {
  readonly authenticationConfig?: string;
  readonly anonymousAuth?: boolean;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcRequiredClaim?: readonly string[];
  readonly oidcSigningAlgs?: readonly string[];
  readonly oidcCaFile?: string;
  readonly authenticationTokenWebhookConfigFile?: string;
  readonly authenticationTokenWebhookCacheTtl?: number;
  readonly authenticationTokenWebhookVersion?: 'v1' | 'v1beta1';
  readonly serviceAccountIssuer?: string;
  readonly serviceAccountJwksUri?: string;
  readonly serviceAccountMaxTokenExpiration?: number;
  readonly serviceAccountExtendTokenExpiration?: boolean;
  readonly apiAudiences?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  readonly enableAdmissionPlugins?: readonly string[];
  readonly admissionControlConfigFile?: string;
  readonly podRoute?: PodRoute;
  readonly authorizationConfig?: string;
  readonly authorizationMode?: NonNullable<ApiServerOptions['authorization']>['modes'];
  readonly authorizationWebhookConfigFile?: string;
  readonly authorizationWebhookVersion?: 'v1' | 'v1beta1';
  readonly authorizationWebhookCacheAuthorizedTtl?: number;
  readonly authorizationWebhookCacheUnauthorizedTtl?: number;
  readonly encryptionProviderConfig?: string;
  readonly encryptionProviderConfigAutomaticReload?: boolean;
  readonly featureGates?: FeatureGates;
  readonly requestTimeout?: number;
  readonly shutdownDelayDuration?: number;
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
  readonly profiling?: boolean;
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxage?: number;
  readonly auditLogMaxbackup?: number;
  readonly auditLogMaxsize?: number;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookBatchMaxSize?: number;
  readonly auditWebhookBatchMaxWait?: number;
  readonly auditWebhookBatchBufferSize?: number;
}

export function withApiFlags(command: Command): Command {
  return withAdmissionFlags(withAuditFlags(withAuthorizationFlags(withAuthenticationFlags(withRequestFlags(command)))));
}

function withRequestFlags(command: Command): Command {
  return command
    .option('--feature-gates <pairs>', 'NAME=true or NAME=false, comma-separated (default: as Kubernetes 1.36 has them)', featureGates)
    .option('--request-timeout <duration>', 'longest time for a request that is no watch or stream (default: 1m)', duration)
    .option('--shutdown-delay-duration <duration>', 'how long the server still answers, not ready, when it stops (default: 0)', duration)
    .option('--max-requests-inflight <count>', 'reading requests that run at once (default: 400)', whole)
    .option('--max-mutating-requests-inflight <count>', 'writing requests that run at once (default: 200)', whole)
    .option('--profiling <bool>', 'serve profiles at /debug/pprof/ (default: true)', bool);
}

function withAuditFlags(command: Command): Command {
  return command
    .option('--encryption-provider-config <file>', 'EncryptionConfiguration: how objects are sealed in the store')
    .option('--encryption-provider-config-automatic-reload <bool>', 'read that file again when it changes (default: false)', bool)
    .option('--audit-policy-file <file>', 'Policy that says which requests are recorded')
    .option('--audit-log-path <file>', 'file that they are recorded in; "-" is standard output')
    .option('--audit-log-maxage <days>', 'how long files put aside are kept (default: 366; 0 for ever)', whole)
    .option('--audit-log-maxbackup <count>', 'files put aside that are kept (default: 100; 0 for all)', whole)
    .option('--audit-log-maxsize <megabytes>', 'size at which a file is put aside (default: 100; 0 for none)', whole)
    .option('--audit-webhook-config-file <file>', 'kubeconfig of a webhook that requests are recorded with')
    .option('--audit-webhook-batch-max-size <count>', 'most events in one call (default: 400)', whole)
    .option('--audit-webhook-batch-max-wait <duration>', 'how long an event waits for others (default: 30s)', duration)
    .option('--audit-webhook-batch-buffer-size <count>', 'events that may wait; more are lost (default: 10000)', whole);
}

function withAdmissionFlags(command: Command): Command {
  return command
    .option('--enable-admission-plugins <names>', 'admission plug-ins that shall run, comma-separated (default: all)', commaList)
    .option('--disable-admission-plugins <names>', 'admission plug-ins that shall not run, comma-separated', commaList)
    .option('--admission-control-config-file <file>', 'AdmissionConfiguration, for PodSecurity')
    .option('--pod-route <route>', 'how this server reaches pods: direct, tunnel (through agents), or auto (default)', podRoute);
}

function withAuthorizationFlags(command: Command): Command {
  return command
    .option('--authorization-config <file>', 'AuthorizationConfiguration; read again when it changes')
    .option('--authorization-mode <modes>', 'who decides what may be done, comma-separated (default: Node,RBAC)', modes)
    .option('--authorization-webhook-config-file <file>', 'kubeconfig of a webhook that decides')
    .option('--authorization-webhook-version <version>', 'of the SubjectAccessReview it is sent (default: v1beta1)', reviewVersion)
    .option('--authorization-webhook-cache-authorized-ttl <duration>', 'how long a yes is kept (default: 5m)', duration)
    .option('--authorization-webhook-cache-unauthorized-ttl <duration>', 'how long a no is kept (default: 30s)', duration);
}

function withAuthenticationFlags(command: Command): Command {
  return command
    .option('--authentication-config <file>', 'AuthenticationConfiguration; read again when it changes')
    .option('--anonymous-auth <bool>', 'requests without credentials go on as system:anonymous (default: to the health paths only)', bool)
    .option('--oidc-issuer-url <url>', 'OpenID provider whose tokens are good')
    .option('--oidc-client-id <id>', 'audience that its tokens must have')
    .option('--oidc-username-claim <claim>', 'claim with the name of the user (default: sub)')
    .option('--oidc-username-prefix <prefix>', 'before names of users; "-" is none')
    .option('--oidc-groups-claim <claim>', 'claim with the groups of the user')
    .option('--oidc-groups-prefix <prefix>', 'before names of groups')
    .option('--oidc-required-claim <pair>', 'NAME=VALUE that tokens must have; may be repeated', pairs)
    .option('--oidc-signing-algs <names>', 'algorithms that may sign, comma-separated (default: RS256)', commaList)
    .option('--oidc-ca-file <file>', 'CA of the provider (default: those of this machine)')
    .option('--authentication-token-webhook-config-file <file>', 'kubeconfig of a webhook that knows tokens')
    .option('--authentication-token-webhook-cache-ttl <duration>', 'how long its answers are kept (default: 2m)', duration)
    .option('--authentication-token-webhook-version <version>', 'of the TokenReview it is sent (default: v1beta1)', reviewVersion)
    .option('--service-account-issuer <url>', 'issuer of ServiceAccount tokens')
    .option('--service-account-jwks-uri <url>', "where that issuer's keys are, in its discovery document")
    .option('--service-account-max-token-expiration <duration>', 'longest life of a ServiceAccount token', duration)
    .option('--service-account-extend-token-expiration <bool>', 'tokens of pods are good for a year, for old clients (default: true)', bool)
    .option('--api-audiences <names>', 'audiences of the API, comma-separated (default: the issuer)', commaList);
}

/** The flags as options of the API server. Throws a `UserError` for combinations that make no sense. */
export function apiOptions(flags: ApiFlags): Partial<ApiServerOptions> {
  const configFile = flags.encryptionProviderConfig;
  if (configFile === undefined && flags.encryptionProviderConfigAutomaticReload !== undefined)
    throw new UserError(
      '--encryption-provider-config-automatic-reload was given without a file',
      'name it with --encryption-provider-config',
      2,
    );
  return {
    ...(configFile === undefined ? {} : { encryption: { configFile, reload: flags.encryptionProviderConfigAutomaticReload } }),
    ...requestOptions(flags),
    flags: shownFlags(flags),
    authentication: authenticationOptions(flags),
    authorization: authorizationOptions(flags),
    audit: auditOptions(flags),
    admission: {
      enabledPlugins: flags.enableAdmissionPlugins,
      disabledPlugins: flags.disableAdmissionPlugins,
      configFile: flags.admissionControlConfigFile,
    },
    podRoute: flags.podRoute,
  };
}

function requestOptions(flags: ApiFlags): Partial<ApiServerOptions> {
  const { requestTimeout, maxRequestsInflight = 400, maxMutatingRequestsInflight = 200 } = flags;
  if (requestTimeout === 0) throw new UserError('--request-timeout is 0', 'give it a duration such as 1m', 2);
  if (maxRequestsInflight + maxMutatingRequestsInflight === 0)
    throw new UserError('no request may run', 'give --max-requests-inflight a number above 0', 2);
  return {
    requestTimeoutMs: requestTimeout,
    shutdownDelayMs: flags.shutdownDelayDuration,
    maxRequestsInFlight: { readOnly: maxRequestsInflight, mutating: maxMutatingRequestsInflight },
    profiling: flags.profiling,
    features: flags.featureGates,
  };
}

/** Every flag that was given or has a default, as one would write it. None of them holds a secret: those are in files. */
function shownFlags(flags: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(flags as Record<string, unknown>).flatMap(([name, value]) => {
      if (value === undefined || (typeof value === 'object' && !Array.isArray(value))) return [];
      return [[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), Array.isArray(value) ? value.join(',') : String(value)]];
    }),
  );
}

function auditOptions(flags: ApiFlags): NonNullable<ApiServerOptions['audit']> {
  const { auditLogPath, auditWebhookConfigFile } = flags;
  return {
    policyFile: flags.auditPolicyFile,
    log:
      auditLogPath === undefined
        ? undefined
        : {
            path: auditLogPath,
            maxAgeDays: flags.auditLogMaxage,
            maxBackups: flags.auditLogMaxbackup,
            maxSizeMb: flags.auditLogMaxsize,
          },
    webhook:
      auditWebhookConfigFile === undefined
        ? undefined
        : {
            configFile: auditWebhookConfigFile,
            batchSize: flags.auditWebhookBatchMaxSize,
            batchWaitMs: flags.auditWebhookBatchMaxWait,
            bufferSize: flags.auditWebhookBatchBufferSize,
          },
  };
}

function authorizationOptions(flags: ApiFlags): NonNullable<ApiServerOptions['authorization']> {
  const configFile = flags.authorizationWebhookConfigFile;
  return {
    configFile: flags.authorizationConfig,
    modes: flags.authorizationMode,
    webhook:
      configFile === undefined
        ? undefined
        : {
            configFile,
            version: flags.authorizationWebhookVersion,
            authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl,
            unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl,
          },
  };
}

function authenticationOptions(flags: ApiFlags): ApiServerOptions['authentication'] & object {
  const maxSeconds = flags.serviceAccountMaxTokenExpiration === undefined ? undefined : flags.serviceAccountMaxTokenExpiration / 1000;
  if (maxSeconds !== undefined && (maxSeconds < 3600 || maxSeconds > 2 ** 32))
    throw new UserError('--service-account-max-token-expiration is out of range', 'give it between 1h and 2^32 seconds', 2);
  return {
    configFile: flags.authenticationConfig,
    anonymous: flags.anonymousAuth,
    oidc: oidcOptions(flags),
    webhook:
      flags.authenticationTokenWebhookConfigFile === undefined
        ? undefined
        : {
            configFile: flags.authenticationTokenWebhookConfigFile,
            cacheTtlMs: flags.authenticationTokenWebhookCacheTtl,
            version: flags.authenticationTokenWebhookVersion,
          },
    serviceAccounts: {
      issuer: flags.serviceAccountIssuer,
      jwksUri: flags.serviceAccountJwksUri,
      maxTokenSeconds: maxSeconds,
      extendExpiration: flags.serviceAccountExtendTokenExpiration,
    },
    apiAudiences: flags.apiAudiences,
  };
}

function oidcOptions(flags: ApiFlags): NonNullable<ApiServerOptions['authentication']>['oidc'] {
  const { oidcIssuerUrl, oidcClientId } = flags;
  const given = Object.entries(flags).some(([name, value]) => name.startsWith('oidc') && value !== undefined);
  if (!given) return undefined;
  if (oidcIssuerUrl === undefined || oidcClientId === undefined)
    throw new UserError('an --oidc flag was given without the provider', 'name it with --oidc-issuer-url and --oidc-client-id', 2);
  return {
    issuerUrl: oidcIssuerUrl,
    clientId: oidcClientId,
    usernameClaim: flags.oidcUsernameClaim,
    usernamePrefix: flags.oidcUsernamePrefix,
    groupsClaim: flags.oidcGroupsClaim,
    groupsPrefix: flags.oidcGroupsPrefix,
    requiredClaims: flags.oidcRequiredClaim,
    signingAlgorithms: flags.oidcSigningAlgs,
    caFile: flags.oidcCaFile,
  };
}

const knownModes = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;

function modes(text: string): readonly (typeof knownModes)[number][] {
  return commaList(text).map((name) => {
    const found = knownModes.find((mode) => mode === name);
    if (found === undefined) throw new InvalidArgumentError(`expected some of ${knownModes.join(', ')}.`);
    return found;
  });
}

function bool(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('expected true or false.');
  return text === 'true';
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}

/** Milliseconds of a duration as Go writes it. */
function duration(text: string): number {
  const found = parseDuration(text);
  if (found === undefined || found < 0) throw new InvalidArgumentError('expected a duration such as 30s or 1h.');
  return found;
}

function reviewVersion(text: string): 'v1' | 'v1beta1' {
  if (text !== 'v1' && text !== 'v1beta1') throw new InvalidArgumentError('expected v1 or v1beta1.');
  return text;
}

function featureGates(text: string): FeatureGates {
  try {
    return parseFeatureGates(text);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

/** Collects a flag that may be repeated. */
function pairs(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('expected NAME=VALUE.');
  return [...before, text];
}

function podRoute(value: string): PodRoute {
  if (value === 'auto' || value === 'direct' || value === 'tunnel') return value;
  throw new InvalidArgumentError('give auto, direct or tunnel.');
}
