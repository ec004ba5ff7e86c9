import { systemRandom } from '@bayplan/component-base';
import { Admission } from './admission/admission.ts';
import type { ApiServerOptions } from './api-server.ts';
import { Authenticator } from './authentication/authenticator.ts';
import { union } from './authorization/authorizer.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import { NodeAuthorizer } from './authorization/node-authorizer.ts';
import { RbacAuthorizer } from './authorization/rbac.ts';
import { superuser } from './authorization/superuser.ts';
import type { Step } from './chain/chain.ts';
import { measure } from './chain/measure.ts';
import { secretSealing } from './keys/secret-sealing.ts';
import { createApiServerMetrics } from './metrics.ts';
import { Registry } from './registry/registry.ts';
import type { SpecialHandler } from './registry/dispatch.ts';
import { StoreHub } from './registry/store-hub.ts';
import type { VerbServices } from './registry/verbs/services.ts';
import { settingsOf } from './settings.ts';
import type { Settings } from './settings.ts';
import { createStrategies } from './strategies/strategies.ts';

/** Everything an API server is made of, wired together. */
export interface ServerParts {
  readonly options: ApiServerOptions;
  readonly settings: Settings;
  readonly hub: StoreHub;
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly verbs: VerbServices;
  /** By `GROUP/RESOURCE[/SUBRESOURCE]`. */
  readonly specials: ReadonlyMap<string, SpecialHandler>;
  readonly measure: Step;
}

export async function createServerParts(options: ApiServerOptions): Promise<ServerParts> {
  const { store, clock, logger, keys } = options;
  const settings = settingsOf(options);
  const hub = new StoreHub(store, clock, logger);
  await hub.start();
  const registry = new Registry({ store, hub, logger, strategies: createStrategies(), secretSealing: secretSealing(keys.encryptionKey) });
  const admission = new Admission([]);
  const rbac = new RbacAuthorizer(registry);
  const verbs: VerbServices = { clock, random: systemRandom, admission, registry };
  return {
    options,
    settings,
    hub,
    registry,
    authenticator: new Authenticator([], clock),
    authorizer: union([superuser, new NodeAuthorizer(registry), rbac]),
    rbac,
    verbs,
    specials: new Map(),
    measure: measure(createApiServerMetrics(options.metrics), clock),
  };
}
