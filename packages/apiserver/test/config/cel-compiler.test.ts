import { describe, expect, it } from 'vitest';
import { celCompiler } from '../../src/config/cel-compiler.ts';

const value = (expression: string, variables: Record<string, unknown>): unknown =>
  celCompiler.compile(expression, Object.keys(variables)).evaluate(variables);

describe('expressions of configuration files', () => {
  it('map claims to plain values', () => {
    const claims = { sub: 'ann', groups: ['a', 'b'], email: 'ann@example.com', email_verified: true, nested: { level: 2 } };
    expect(value('"oidc:" + claims.sub', { claims })).toBe('oidc:ann');
    expect(value('claims.groups.map(g, "x:" + g)', { claims })).toEqual(['x:a', 'x:b']);
    expect(value('claims.?email_verified.orValue(true) == true', { claims })).toBe(true);
    expect(value('claims.nested.level > 1 ? "high" : "low"', { claims })).toBe('high');
  });

  it('check users and requests by their types', () => {
    const user = { username: 'ann', groups: ['a'], extra: { k: ['v'] } };
    expect(value("!user.username.startsWith('system:')", { user })).toBe(true);
    expect(value("user.groups.all(group, !group.startsWith('system:'))", { user })).toBe(true);
    const request = { user: 'ann', groups: ['a'], resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'x' } };
    expect(value("has(request.resourceAttributes) && request.resourceAttributes.namespace != 'kube-system'", { request })).toBe(true);
    expect(value('has(request.nonResourceAttributes)', { request })).toBe(false);
    expect(() => celCompiler.compile('user.name', ['user'])).toThrow("undefined field 'name'");
  });

  it('say what is wrong, before and while they run', () => {
    expect(() => celCompiler.compile('claims.', ['claims'])).toThrow('compilation failed: ERROR: <input>:1:8: Syntax error');
    expect(() => celCompiler.compile('user.username', ['claims'])).toThrow("undeclared reference to 'user' (in container '')");
    expect(() => value('claims.missing', { claims: {} })).toThrow("expression 'claims.missing' resulted in error: no such key: missing");
  });
});
