import type { Authenticator } from './authentication/authenticator.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { RbacAuthorizer } from './authorization/rbac.ts';
import { connectHandlers } from './connect/handlers.ts';
import type { ServiceLink } from './webhooks/service-link.ts';
import type { NodeLink } from './connect/node-link.ts';
import { metricsHandlers } from './metrics-api/metrics-handlers.ts';
import type { UsageSource } from './metrics-api/usage-source.ts';
import type { SpecialHandler } from './registry/dispatch.ts';
import { accessReviewHandlers, rulesReviewHandler } from './reviews/access-reviews.ts';
import { componentStatusesHandler } from './reviews/component-statuses.ts';
import type { ComponentStatusOptions } from './reviews/component-statuses.ts';
import { selfSubjectReviewHandler, tokenReviewHandler } from './reviews/authentication-reviews.ts';
import { bindingHandler } from './subresources/binding.ts';
import { evictionHandler } from './subresources/eviction.ts';
import { scaleHandler } from './subresources/scale.ts';
import { tokenHandler } from './subresources/token.ts';
import type { TokenOptions } from './subresources/token.ts';

export interface SpecialOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly tokens: TokenOptions;
  readonly nodes: NodeLink;
  readonly services: ServiceLink;
  readonly usage: UsageSource;
  readonly health: ComponentStatusOptions;
}

/** Everything that is not plain storage, by `GROUP/RESOURCE[/SUBRESOURCE]`. */
export function createSpecialHandlers(options: SpecialOptions): Map<string, SpecialHandler> {
  return new Map<string, SpecialHandler>([
    ...accessReviewHandlers(options.authorizer),
    ...connectHandlers(options.nodes, options.services),
    ['authorization.k8s.io/selfsubjectrulesreviews', rulesReviewHandler(options.authorizer)],
    ...metricsHandlers(options.usage),
    ['authentication.k8s.io/tokenreviews', tokenReviewHandler(options.authenticator)],
    ['authentication.k8s.io/selfsubjectreviews', selfSubjectReviewHandler],
    ['/serviceaccounts/token', tokenHandler(options.tokens)],
    ['/componentstatuses', componentStatusesHandler(options.health)],
    ['/bindings', bindingHandler],
    ['/pods/binding', bindingHandler],
    ['/pods/eviction', evictionHandler],
    ['apps/deployments/scale', scaleHandler],
    ['apps/replicasets/scale', scaleHandler],
    ['apps/statefulsets/scale', scaleHandler],
    ['/replicationcontrollers/scale', scaleHandler],
  ]);
}
