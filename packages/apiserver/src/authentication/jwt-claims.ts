import { authenticated } from '../chain/user.ts';
import type { User } from '../chain/user.ts';
import type { ClaimConfiguration, ExpressionRule, Mapping } from './claim-configuration.ts';

export type Claims = Readonly<Record<string, unknown>>;

export const credentialIdKey = 'authentication.kubernetes.io/credential-id';

/** The user that a token's claims describe. Throws an `Error` that says which rule or mapping refused them. */
export function userOfClaims(config: ClaimConfiguration, claims: Claims): User {
  const name = usernameOf(config.username, claims);
  const groups = config.groups === undefined ? [] : groupsOf(config.groups, claims);
  const uid = config.uid === undefined ? undefined : uidOf(config.uid, claims);
  const extra: Record<string, string[]> = {};
  if (typeof claims['jti'] === 'string') extra[credentialIdKey] = [`JTI=${claims['jti']}`];
  for (const { key, text, compiled } of config.extra) {
    const values = strings(
      evaluated('extra', () => compiled.evaluate({ claims })),
      `extra claim expression: ${text}`,
    );
    if (values.length > 0) extra[key] = values;
  }
  for (const rule of config.claimRules) {
    if (rule.kind === 'expression') checkRule(rule, { claims }, 'claim validation expression');
    else checkClaim(claims, rule.claim, rule.requiredValue);
  }
  const user = { username: name, uid: uid ?? '', groups, extra };
  for (const rule of config.userRules) checkRule(rule, { user }, 'user info validation rule');
  return authenticated(name, groups, { extra, ...(uid === undefined || uid === '' ? {} : { uid }) });
}

function usernameOf(mapping: Mapping, claims: Claims): string {
  if (mapping.kind === 'expression') {
    const value = evaluated('username', () => mapping.compiled.evaluate({ claims }));
    if (typeof value !== 'string')
      throw new Error('oidc: error evaluating username claim expression: username claim expression must return a string');
    if (value === '') throw new Error('oidc: empty username via CEL expression is not allowed');
    return value;
  }
  const { claim, prefix } = mapping;
  const value = claims[claim];
  if (typeof value !== 'string')
    throw new Error(
      `oidc: parse username claims ${JSON.stringify(claim)}: ${value === undefined ? 'claim not present' : 'the claim is not a string'}`,
    );
  if (claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true)
    throw new Error('oidc: email not verified');
  return `${prefix}${value}`;
}

function groupsOf(mapping: Mapping, claims: Claims): string[] {
  if (mapping.kind === 'expression')
    return strings(
      evaluated('group', () => mapping.compiled.evaluate({ claims })),
      'group claim expression',
    );
  const value = claims[mapping.claim];
  if (value === undefined) return [];
  const listed: readonly unknown[] = Array.isArray(value) ? value : [value];
  return listed.map((group) => {
    if (typeof group !== 'string')
      throw new Error(`oidc: parse groups claim ${JSON.stringify(mapping.claim)}: not a string or a list of strings`);
    return `${mapping.prefix}${group}`;
  });
}

function uidOf(mapping: Mapping, claims: Claims): string {
  const isClaim = mapping.kind === 'claim';
  const value = isClaim ? claims[mapping.claim] : evaluated('uid', () => mapping.compiled.evaluate({ claims }));
  if (typeof value === 'string') return value;
  if (!isClaim) throw new Error('oidc: error evaluating uid claim expression: uid claim expression must return a string');
  throw new Error(
    `oidc: parse uid claim ${JSON.stringify(mapping.claim)}: ${value === undefined ? 'claim not present' : 'the claim is not a string'}`,
  );
}

function evaluated(what: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (cause) {
    throw new Error(`oidc: error evaluating ${what} claim expression: ${(cause as Error).message}`, { cause });
  }
}

/** A text or a list of texts, as a list without empty ones. */
function strings(value: unknown, what: string): string[] {
  if (value === null || value === undefined) return [];
  const listed: readonly unknown[] = Array.isArray(value) ? value : [value];
  return listed.flatMap((one) => {
    if (typeof one !== 'string') throw new Error(`oidc: error evaluating ${what}: expression must return a string or a list of strings`);
    return one === '' ? [] : [one];
  });
}

function checkClaim(claims: Claims, claim: string, wanted: string): void {
  const value = claims[claim];
  if (value === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`);
  if (typeof value !== 'string') throw new Error(`oidc: parse claim ${claim}: the claim is not a string`);
  if (value !== wanted) throw new Error(`oidc: required claim ${claim} value does not match. Got = ${value}, want = ${wanted}`);
}

function checkRule(rule: ExpressionRule, variables: Readonly<Record<string, unknown>>, what: string): void {
  let result: unknown;
  try {
    result = rule.compiled.evaluate(variables);
  } catch (cause) {
    throw new Error(`oidc: error evaluating ${what}: ${(cause as Error).message}`, { cause });
  }
  if (result === true) return;
  const detail =
    rule.message === '' ? `validation expression '${rule.text}' failed` : `validation expression '${rule.text}' failed: ${rule.message}`;
  throw new Error(`oidc: error evaluating ${what}: ${detail}`);
}
