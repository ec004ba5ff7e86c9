import { expect, it } from 'vitest';
import { loadExpressionCompiler } from '../../src/config/expressions.ts';

it('compiles what authentication and authorisation files say', async () => {
  const compiler = await loadExpressionCompiler();
  const claims = { sub: 'ann', groups: ['a', 'b'], email: 'a@x', email_verified: true, nested: { n: 3 } };
  const run = (text: string) => compiler.compile(text, 'claims', 'any').evaluate({ claims });
  expect(run("'oidc:' + claims.sub")).toBe('oidc:ann');
  expect(run("claims.groups.map(g, 'x:' + g)")).toEqual(['x:a', 'x:b']);
  expect(run("has(claims.missing) ? claims.missing : ''")).toBe('');
  expect(compiler.compile('claims.nested.n <= 3', 'claims', 'bool').evaluate({ claims })).toBe(true);
  expect(() => run('claims.absent')).toThrow('no such key: absent');
  expect(() => compiler.compile('claims.sub', 'request', 'any')).toThrow("undeclared reference to 'claims'");
  expect(() => compiler.compile("'x'", 'user', 'bool')).toThrow('must evaluate to bool but got string');
  const user = { username: 'ann', uid: '', groups: ['dev'], extra: { 'acme.io/x': ['1'] } };
  expect(
    compiler.compile("user.groups.exists(g, g == 'dev') && !user.username.startsWith('system:')", 'user', 'bool').evaluate({ user }),
  ).toBe(true);
  const condition = compiler.compile(
    "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'kube-system'",
    'request',
    'bool',
  );
  expect(condition.evaluate({ request: { user: 'x', resourceAttributes: { namespace: 'kube-system' } } })).toBe(true);
  expect(condition.evaluate({ request: { user: 'x', nonResourceAttributes: { path: '/', verb: 'get' } } })).toBe(false);
});
