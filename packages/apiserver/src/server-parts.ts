import { defaultFeatureGates } from '@bayplan/api';
import type { FeatureGates } from '@bayplan/api';
import { systemRandom, timestamp } from '@bayplan/component-base';
import { loadAdmissionConfiguration } from './admission/admission-configuration.ts';
import { createPolicyMetrics } from './admission/policy/policy-metrics.ts';
import { createAdmission } from './admission/plugins.ts';
import { createAdmissionMetrics } from './admission/admission-metrics.ts';
import { createAggregationMetrics } from './aggregation/aggregation-metrics.ts';
import { Aggregator } from './aggregation/aggregator.ts';
import type { ApiServerOptions } from './api-server.ts';
import { Authenticator } from './authentication/authenticator.ts';
import { AuthenticationSources } from './authentication/authentication-sources.ts';
import { BootstrapTokens } from './authentication/bootstrap-tokens.ts';
import { serviceAccountKeys } from './authentication/service-account-keys.ts';
import type { ServiceAccountKeys } from './authentication/service-account-keys.ts';
import { ServiceAccountTokens } from './authentication/service-account-tokens.ts';
import { AuthorizationSources } from './authorization/authorization-sources.ts';
import { NodeAuthorizer } from './authorization/node-authorizer.ts';
import { RbacAuthorizer } from './authorization/rbac.ts';
import type { Step } from './chain/chain.ts';
import { loadExpressionCompiler } from './config/expressions.ts';
import { FlowController } from './flowcontrol/flow-controller.ts';
import { NodeLink } from './connect/node-link.ts';
import { Lifecycle } from './chain/draining.ts';
import { measure } from './chain/measure.ts';
import { definitionStrategy } from './extensions/definition-strategy.ts';
import { openExtensions } from './extensions/extensions.ts';
import type { Extensions } from './extensions/extensions.ts';
import { EncryptionAtRest } from './keys/encryption-at-rest.ts';
import { UsageSource } from './metrics-api/usage-source.ts';
import { RequestMetrics } from './metrics.ts';
import { Registry } from './registry/registry.ts';
import type { SpecialHandler } from './registry/dispatch.ts';
import { StoreHub } from './registry/store-hub.ts';
import type { VerbServices } from './registry/verbs/services.ts';
import { ServiceLink } from './webhooks/service-link.ts';
import { WebhookClient } from './webhooks/webhook-client.ts';
import { createWebhookMetrics } from './admission/webhook/webhook-metrics.ts';
import { SliMetrics } from './paths/sli-metrics.ts';
import { settingsOf } from './settings.ts';
import type { Settings } from './settings.ts';
import { createSpecialHandlers } from './special-handlers.ts';
import { ClusterAddresses } from './strategies/cluster-addresses.ts';
import { NodePorts } from './strategies/node-ports.ts';
import { createStrategies } from './strategies/strategies.ts';

/** Everything an API server is made of, wired together. */
export interface ServerParts {
  readonly options: ApiServerOptions;
  readonly settings: Settings;
  readonly hub: StoreHub;
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  readonly sources: AuthenticationSources;
  readonly flows: FlowController;
  readonly lifecycle: Lifecycle;
  readonly sliMetrics: SliMetrics;
  readonly startedMs: number;
  readonly encryption: EncryptionAtRest;
  readonly authorizer: AuthorizationSources;
  readonly rbac: RbacAuthorizer;
  readonly features: FeatureGates;
  readonly verbs: VerbServices;
  readonly nodes: NodeLink;
  readonly extensions: Extensions;
  readonly services: ServiceLink;
  readonly webhooks: WebhookClient;
  readonly aggregator: Aggregator;
  readonly serviceAccountKeys: ServiceAccountKeys;
  /** By `GROUP/RESOURCE[/SUBRESOURCE]`. */
  readonly specials: ReadonlyMap<string, SpecialHandler>;
  readonly measure: Step;
}

export async function createServerParts(options: ApiServerOptions): Promise<ServerParts> {
  const { store, clock, logger, keys } = options;
  const settings = settingsOf(options);
  const encryption = await EncryptionAtRest.open({ clusterKey: keys.encryptionKey, encryption: options.encryption, clock, logger });
  const hub = new StoreHub(store, clock, logger);
  await hub.start();
  const registry: Registry = new Registry({
    store,
    hub,
    logger,
    strategies: createStrategies(
      () => authorizer,
      new ClusterAddresses(() => registry, settings.serviceCidr, clock, systemRandom),
      new NodePorts(() => registry, systemRandom),
      () => registry,
    ).set(
      'apiextensions.k8s.io/customresourcedefinitions',
      definitionStrategy(() => timestamp(clock.now())),
    ),
    sealingOf: (group, resource) => encryption.sealingOf(group, resource),
  });
  const extensions = await openExtensions({
    store,
    hub,
    registry,
    clock,
    logger,
    random: systemRandom,
    sealingOf: (group, resource) => encryption.sealingOf(group, resource),
    webhooks: () => webhookClient,
  });
  const rbac = new RbacAuthorizer(registry);
  const nodes = new NodeLink(registry, keys, clock);
  const services = new ServiceLink(registry, nodes, systemRandom, options.podRoute ?? 'auto');
  const webhookClient = new WebhookClient(services, clock);
  const aggregator = new Aggregator({
    registry,
    link: services,
    keys,
    clock,
    logger,
    metrics: createAggregationMetrics(options.metrics),
  });
  const configFile = options.admission?.configFile;
  const fromFile = configFile === undefined ? {} : await loadAdmissionConfiguration(configFile);
  const admission = createAdmission(
    registry,
    systemRandom,
    rbac,
    () => authorizer,
    {
      client: webhookClient,
      clock,
      random: systemRandom,
      logger,
      metrics: createWebhookMetrics(options.metrics),
    },
    { ...options.admission, ...fromFile },
    createAdmissionMetrics(options.metrics, clock),
    createPolicyMetrics(options.metrics, clock),
  );
  const accountKeys = serviceAccountKeys(keys.serviceAccountKeyPem);
  const verbs: VerbServices = { clock, random: systemRandom, admission, registry };
  const tokens = [
    new ServiceAccountTokens({ keys: accountKeys, issuer: settings.issuer, apiAudiences: settings.apiAudiences, registry, clock }),
    new BootstrapTokens(registry, clock, settings.apiAudiences),
  ];
  const sources = await AuthenticationSources.open({
    ...options.authentication,
    apiAudiences: settings.apiAudiences,
    disallowedIssuers: [settings.issuer],
    loadCompiler: loadExpressionCompiler,
    clock,
    logger,
  });
  const limits = options.maxRequestsInFlight ?? { readOnly: 400, mutating: 200 };
  const flows = new FlowController(registry, clock, limits.readOnly + limits.mutating);
  const authenticator = new Authenticator({
    tokens: () => [...tokens, ...sources.tokens],
    allowsAnonymous: (path) => sources.allowsAnonymous(path),
    clock,
  });
  const authorizer = await AuthorizationSources.open({
    ...options.authorization,
    node: new NodeAuthorizer(registry),
    rbac,
    loadCompiler: loadExpressionCompiler,
    clock,
    logger,
  });
  return {
    options,
    settings,
    hub,
    registry,
    authenticator,
    sources,
    flows,
    lifecycle: new Lifecycle(),
    sliMetrics: new SliMetrics(),
    startedMs: clock.now(),
    encryption,
    authorizer,
    rbac,
    features: options.features ?? defaultFeatureGates,
    verbs,
    extensions,
    nodes,
    services,
    webhooks: webhookClient,
    aggregator,
    serviceAccountKeys: accountKeys,
    specials: createSpecialHandlers({
      authenticator,
      authorizer,
      rbac,
      tokens: {
        ...options.authentication?.serviceAccounts,
        keys: accountKeys,
        issuer: settings.issuer,
        apiAudiences: settings.apiAudiences,
      },
      nodes,
      services,
      usage: new UsageSource({ registry, nodes, clock, logger }),
      health: { store, clock, components: options.components ?? [] },
    }),
    measure: measure(new RequestMetrics(options.metrics), clock),
  };
}
