import type { Environment } from '@bayplan/cel';
import { authorizerType, baseEnvironment, dynType, resourceCheckType } from '@bayplan/cel';
import { applyType, jsonPatchType, namespaceType, requestType } from './policy-types.ts';
import type { PolicyEnvironmentOptions } from './policy-types.ts';

/** What expressions of admission may use, without composed variables. */
export function policyEnvironment(options: PolicyEnvironmentOptions): Environment {
  return baseEnvironment().extend({
    variables: {
      object: dynType,
      oldObject: dynType,
      request: requestType,
      namespaceObject: namespaceType,
      ...(options.params ? { params: dynType } : {}),
      ...(options.authorizer ? { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType } : {}),
      ...options.types,
    },
    ...(options.patches ? { types: [['JSONPatch', jsonPatchType] as const], findType: applyType } : {}),
  });
}
