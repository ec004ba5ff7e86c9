import { fieldDuplicate, fieldInvalid } from '@bayplan/api';
import { readConfig } from '../config/config-node.ts';
import type { ConfigNode } from '../config/config-node.ts';
import type { ExpressionCompiler } from '../config/expressions.ts';
import { readClaims } from './claim-configuration.ts';
import type { ClaimConfiguration } from './claim-configuration.ts';
import { readIssuer } from './issuer-configuration.ts';
import type { IssuerConfiguration } from './issuer-configuration.ts';

/** The file of `--authentication-config`. */
export interface AuthenticationConfiguration {
  readonly jwt: readonly JwtConfiguration[];
  /** Undefined when the file does not say. */
  readonly anonymous: AnonymousConfiguration | undefined;
}

export interface AnonymousConfiguration {
  readonly enabled: boolean;
  /** Requests without credentials are let through to these paths only; empty means to all. */
  readonly paths: readonly string[];
}

/** One issuer whose tokens are good, and what their claims mean. */
export interface JwtConfiguration extends ClaimConfiguration {
  readonly issuer: IssuerConfiguration;
  /** JWS algorithms that may sign; every asymmetric one when the file says nothing of it. */
  readonly algorithms: readonly string[];
}

export const asymmetricAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const;

const wanted = {
  kind: 'AuthenticationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1', 'apiserver.config.k8s.io/v1alpha1'],
} as const;
const maxIssuers = 64;

export interface AuthenticationReading {
  readonly compiler: ExpressionCompiler;
  /** Issuers that only this API server may speak for. */
  readonly disallowedIssuers: readonly string[];
}

/** Reads and checks a configuration. Throws `ConfigError` with every fault. */
export function readAuthenticationConfiguration(text: string, name: string, reading: AuthenticationReading): AuthenticationConfiguration {
  return readConfig(text, name, wanted, (root) => {
    root.fields('apiVersion', 'kind', 'jwt', 'anonymous');
    const issuers = new Set<string>();
    const discoveries = new Set<string>();
    const nodes = root.list('jwt');
    if (nodes.length > maxIssuers) root.fault(fieldInvalid('jwt', nodes.length, `must have at most ${maxIssuers.toString()} items`));
    const jwt = nodes.map((node) => {
      const found = readJwt(node, reading);
      const { url, discoveryUrl } = found.issuer;
      if (issuers.has(url)) node.fault(fieldDuplicate(node.child('issuer').child('url').where, url));
      issuers.add(url);
      if (discoveryUrl === undefined) return found;
      if (discoveries.has(discoveryUrl)) node.fault(fieldDuplicate(node.child('issuer').child('discoveryURL').where, discoveryUrl));
      discoveries.add(discoveryUrl);
      return found;
    });
    return { jwt, anonymous: readAnonymous(root.child('anonymous')) };
  });
}

function readJwt(node: ConfigNode, reading: AuthenticationReading): JwtConfiguration {
  node.fields('issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules');
  return {
    issuer: readIssuer(node.child('issuer'), reading.disallowedIssuers),
    algorithms: asymmetricAlgorithms,
    ...readClaims(node, reading.compiler),
  };
}

function readAnonymous(node: ConfigNode): AnonymousConfiguration | undefined {
  if (!node.present) return undefined;
  node.fields('enabled', 'conditions');
  const enabled = node.boolean('enabled', false);
  const paths = node.list('conditions').map((condition) => condition.fields('path').requiredString('path'));
  if (!enabled && paths.length > 0)
    node.fault(
      fieldInvalid(
        node.child('conditions').where,
        node.child('conditions').value,
        'enabled should be set to true when conditions are defined',
      ),
    );
  return { enabled, paths };
}
