import { describe, expect, it } from 'vitest';
import { readAuthenticationConfiguration } from '../../src/authentication/authentication-configuration.ts';
import { userOfClaims } from '../../src/authentication/jwt-claims.ts';
import { ConfigError } from '../../src/config/config-node.ts';
import type { ExpressionCompiler } from '../../src/config/expressions.ts';

/** Expressions of these tests are JavaScript functions of the one variable, looked up by their text. */
const table: Readonly<Record<string, (value: Record<string, unknown>) => unknown>> = {
  'claims.sub + "!"': (claims) => `${String(claims['sub'])}!`,
  'claims.roles': (claims) => claims['roles'],
  'claims.email': (claims) => claims['email'],
  'claims.admin == false': (claims) => claims['admin'] === false,
  "!user.username.startsWith('system:')": (user) => !String(user['username']).startsWith('system:'),
};
const compiler: ExpressionCompiler = {
  compile(expression, variable) {
    const run = table[expression];
    if (run === undefined) throw new Error('undeclared reference');
    return { evaluate: (variables) => run(variables[variable] as Record<string, unknown>) };
  },
};
const read = (text: string) => readAuthenticationConfiguration(text, 'file', { compiler, disallowedIssuers: ['https://self'] });
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
const issuer = (rest: string, issuerRest = ''): string =>
  `${head}jwt:\n- issuer: {url: "https://a", audiences: [x]${issuerRest}}\n  claimMappings: ${rest}\n`;
const plain = '{username: {claim: sub, prefix: "a:"}}';
const faultsOf = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
};

describe('AuthenticationConfiguration', () => {
  it('is read whole', () => {
    const found = read(`${issuer(plain)}anonymous: {enabled: true, conditions: [{path: /livez}]}\n`);
    expect(found.jwt[0]).toMatchObject({ issuer: { url: 'https://a', audiences: ['x'] }, username: { claim: 'sub', prefix: 'a:' } });
    expect(found.anonymous).toEqual({ enabled: true, paths: ['/livez'] });
  });

  it.each([
    ['a kind that is another', 'apiVersion: v1\nkind: Pod\n', 'expected apiVersion apiserver.config.k8s.io/v1'],
    ['a field that is unknown', `${head}foo: 1\n`, 'foo: Invalid value: "foo": unknown field'],
    [
      'an issuer that is not https',
      issuer(plain).replace('https://a', 'http://a'),
      'jwt[0].issuer.url: Invalid value: "http://a": URL scheme must be https',
    ],
    ['our own issuer', issuer(plain).replace('https://a', 'https://self'), 'URL must not overlap with disallowed issuers: [https://self]'],
    [
      'a missing audience',
      issuer(plain).replace('[x]', '[]'),
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
    ],
    [
      'two audiences without a policy',
      issuer(plain).replace('[x]', '[x, y]'),
      'audienceMatchPolicy must be MatchAny for multiple audiences',
    ],
    ['a missing user name', issuer('{}'), 'jwt[0].claimMappings.username: Required value: claim or expression is required'],
    [
      'a missing prefix',
      issuer('{username: {claim: sub}}'),
      'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set',
    ],
    ['claim and expression', issuer('{username: {claim: sub, expression: claims.sub}}'), "claim and expression can't both be set"],
    [
      'an expression that does not compile',
      issuer('{username: {expression: nonsense}}'),
      'jwt[0].claimMappings.username.expression: Invalid value: "nonsense": undeclared reference',
    ],
    ['an address that need not be verified', issuer('{username: {expression: claims.email}}'), 'claims.email_verified must be used'],
    [
      'a reserved key',
      issuer(`{username: {claim: sub, prefix: ""}, extra: [{key: "a.k8s.io/x", valueExpression: claims.roles}]}`),
      'are reserved for Kubernetes use',
    ],
    [
      'conditions of nobody',
      `${head}anonymous: {enabled: false, conditions: [{path: /livez}]}`,
      'enabled should be set to true when conditions are defined',
    ],
    [
      'an issuer twice',
      `${issuer(plain)}- issuer: {url: "https://a", audiences: [x]}\n  claimMappings: ${plain}\n`,
      'jwt[1].issuer.url: Duplicate value: "https://a"',
    ],
  ])('refuses %s', (_what, text, message) => {
    expect(faultsOf(text)).toContain(message);
  });
});

describe('claims', () => {
  const config = read(
    `${issuer('{username: {expression: "claims.sub + \\"!\\""}, groups: {claim: groups, prefix: "g:"}, uid: {claim: uid}, extra: [{key: "acme.io/roles", valueExpression: claims.roles}]}')}  claimValidationRules:
  - {claim: hd, requiredValue: acme}
  - {expression: "claims.admin == false", message: "no administrators"}
  userValidationRules: [{expression: "!user.username.startsWith('system:')", message: reserved}]
`,
  ).jwt[0];
  const good = { sub: 'eve', groups: ['a', 'b'], uid: '7', roles: ['r', ''], hd: 'acme', admin: false, jti: 'J' };
  const user = (claims: object) => (config === undefined ? expect.fail() : userOfClaims(config, claims as Record<string, unknown>));

  it('become a user', () => {
    expect(user(good)).toEqual({
      name: 'eve!',
      uid: '7',
      groups: ['g:a', 'g:b', 'system:authenticated'],
      extra: { 'acme.io/roles': ['r'], 'authentication.kubernetes.io/credential-id': ['JTI=J'] },
    });
    expect(user({ ...good, groups: 'one' }).groups).toEqual(['g:one', 'system:authenticated']);
  });

  it.each([
    [{ hd: 'other' }, 'oidc: required claim hd value does not match. Got = other, want = acme'],
    [{ hd: undefined }, 'oidc: required claim hd not present in ID token'],
    [{ admin: true }, "validation expression 'claims.admin == false' failed: no administrators"],
    [{ sub: 'system:masters' }, 'reserved'],
    [{ groups: [1] }, 'oidc: parse groups claim "groups"'],
    [{ uid: 5 }, 'oidc: parse uid claim "uid"'],
    [{ roles: [5] }, 'expression must return a string or a list of strings'],
  ])('are refused: %j', (change, message) => {
    expect(() => user({ ...good, ...change })).toThrow(message);
  });
});
