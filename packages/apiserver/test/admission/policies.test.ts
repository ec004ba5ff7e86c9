import { resources, statusOf } from '@bayplan/api';
import type { ConfigMap, FailureStatus, MutatingAdmissionPolicySpec, ValidatingAdmissionPolicySpec } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import type { Client } from '@bayplan/client';
import { createMetricsRegistry } from '@bayplan/component-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';

let api: TestApiServer;
let admin: Client;
const metrics = createMetricsRegistry({ processMetrics: false });

beforeAll(async () => {
  api = await startTestApiServer({ listen: false, metrics });
  admin = createClient(api.admin);
});
afterAll(() => api.close());

const failure = async (work: Promise<unknown>): Promise<FailureStatus> => {
  const error = await work.then(
    () => expect.fail('should have failed'),
    (thrown: unknown) => thrown,
  );
  return statusOf(error) ?? expect.fail(String(error));
};

const configMaps = (operations = ['CREATE', 'UPDATE']) => ({
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations, resources: ['configmaps'] }],
});
/** Policies of one test concern objects with one label only, so that tests do not meet. */
const labelled = (label: string, operations?: string[]) => ({
  ...configMaps(operations),
  objectSelector: { matchLabels: { test: label } },
});
let count = 0;
const map = (label: string, data: Record<string, string> = {}): ConfigMap => {
  count += 1;
  return { metadata: { name: `m${count.toString()}`, namespace: 'default', labels: { test: label } }, data };
};

async function validating(
  name: string,
  spec: ValidatingAdmissionPolicySpec,
  binding: { validationActions?: string[]; paramRef?: object; matchResources?: object } = {},
): Promise<void> {
  await admin.create(resources.validatingAdmissionPolicies, {
    metadata: { name },
    spec: { matchConstraints: labelled(name), ...spec },
  });
  const bound = { policyName: name, validationActions: ['Deny'], ...binding } as never;
  await admin.create(resources.validatingAdmissionPolicyBindings, { metadata: { name: `${name}-binding` }, spec: bound });
  await settled();
}
async function mutating(name: string, spec: MutatingAdmissionPolicySpec): Promise<void> {
  await admin.create(resources.mutatingAdmissionPolicies, {
    metadata: { name },
    spec: { matchConstraints: labelled(name), reinvocationPolicy: 'Never', ...spec },
  });
  await admin.create(resources.mutatingAdmissionPolicyBindings, { metadata: { name: `${name}-binding` }, spec: { policyName: name } });
  await settled();
}
/** A policy counts once the watch cache has it: a read at the newest state waits for that. */
const settled = async (): Promise<void> => {
  await admin.list(resources.validatingAdmissionPolicyBindings);
  await admin.list(resources.mutatingAdmissionPolicyBindings);
};

describe('ValidatingAdmissionPolicy', () => {
  it('denies with its message, as kubectl shows it', async () => {
    await validating('deny', {
      validations: [{ expression: "!('bad' in object.data)", message: 'no bad data' }, { expression: 'object.data.size() < 3' }],
    });
    await admin.create(resources.configMaps, map('deny', { good: 'x' }));
    const refused = await failure(admin.create(resources.configMaps, map('deny', { bad: 'x' })));
    expect(refused).toMatchObject({ code: 422, reason: 'Invalid' });
    const text = "ValidatingAdmissionPolicy 'deny' with binding 'deny-binding' denied request: no bad data";
    expect(refused.message).toMatch(new RegExp(`^configmaps "m\\d+" is forbidden: ${text}$`));
    expect(refused.details?.causes).toEqual([{ message: text }]);
    const second = await failure(admin.create(resources.configMaps, map('deny', { a: '', b: '', c: '' })));
    expect(second.message).toContain('failed expression: object.data.size() < 3');
  });

  it('has variables, a message expression, a reason, the namespace and the old object', async () => {
    await validating('rich', {
      variables: [
        { name: 'keys', expression: 'object.data.map(k, k)' },
        { name: 'many', expression: 'variables.keys.size() > 1' },
      ],
      validations: [
        {
          expression: '!variables.many',
          messageExpression: "'keys: ' + variables.keys.join(',') + ' in ' + namespaceObject.metadata.name",
          reason: 'Forbidden',
        },
        { expression: 'oldObject == null || oldObject.data == object.data', message: 'frozen' },
        { expression: "request.operation in ['CREATE', 'UPDATE'] && request.userInfo.username == 'kubernetes-admin'" },
      ],
    });
    const refused = await failure(admin.create(resources.configMaps, map('rich', { a: '', b: '' })));
    expect(refused).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(refused.message).toContain('denied request: keys: a,b in default');
    const created = await admin.create(resources.configMaps, map('rich', { a: '' }));
    expect((await failure(admin.update(resources.configMaps, { ...created, data: { a: 'changed' } }))).message).toContain('frozen');
  });

  it('asks the authoriser', async () => {
    await validating('authz', {
      validations: [
        {
          expression:
            "authorizer.group('').resource('secrets').namespace('default').check('get').allowed() && authorizer.requestResource.check('create').allowed()",
          message: 'may not read secrets',
        },
      ],
    });
    await admin.create(resources.configMaps, map('authz'));
    const bob = { name: 'bob' };
    await admin.create(resources.clusterRoles, {
      metadata: { name: 'maps' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }],
    });
    await admin.create(resources.clusterRoleBindings, {
      metadata: { name: 'maps' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'maps' },
      subjects: [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }],
    });
    await admin.list(resources.clusterRoleBindings);
    const refused = await failure(createClient(api.as(bob)).create(resources.configMaps, map('authz')));
    expect(refused.message).toContain('may not read secrets');
  });

  it('takes params of the request namespace and says when there are none', async () => {
    await validating(
      'params',
      { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'object.data.size() <= int(params.data.max)' }] },
      { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    );
    expect((await failure(admin.create(resources.configMaps, map('params')))).message).toContain(
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    );
    await admin.create(resources.configMaps, { metadata: { name: 'limits', namespace: 'default' }, data: { max: '1' } });
    await admin.list(resources.configMaps, { namespace: 'default' });
    await admin.create(resources.configMaps, map('params', { a: '' }));
    expect((await failure(admin.create(resources.configMaps, map('params', { a: '', b: '' })))).message).toContain('failed expression');
  });

  it('fails or passes by failurePolicy when an expression does not evaluate', async () => {
    const validations = [{ expression: 'object.data.missing == "x"' }];
    await validating('fails', { validations, failurePolicy: 'Fail' });
    expect((await failure(admin.create(resources.configMaps, map('fails', { a: '' })))).message).toContain(
      `expression 'object.data.missing == "x"' resulted in error: no such key: missing`,
    );
    await validating('ignores', { validations, failurePolicy: 'Ignore' });
    await admin.create(resources.configMaps, map('ignores', { a: '' }));
  });

  it('is passed over where its conditions do not hold', async () => {
    await validating('conditions', {
      matchConditions: [{ name: 'marked', expression: "object.metadata.?annotations['check'].orValue('') == 'yes'" }],
      validations: [{ expression: 'false', message: 'never' }],
    });
    await admin.create(resources.configMaps, map('conditions'));
    const marked = map('conditions');
    const refused = await failure(
      admin.create(resources.configMaps, { ...marked, metadata: { ...marked.metadata, annotations: { check: 'yes' } } }),
    );
    expect(refused.message).toContain('never');
  });

  it('only warns where the binding says so', async () => {
    await validating('warns', { validations: [{ expression: 'false', message: 'careful' }] }, { validationActions: ['Warn'] });
    await admin.create(resources.configMaps, map('warns'));
    const written = await metrics.metrics();
    expect(written).toContain(
      'apiserver_validating_admission_policy_check_total{policy="warns",policy_binding="warns-binding",error_type="no_error",enforcement_action="warn"} 1',
    );
  });

  it('validates custom resources by params that are custom resources', async () => {
    const schema = { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } } };
    const definition = (plural: string, kind: string, scope: string) => ({
      metadata: { name: `${plural}.example.com` },
      spec: {
        group: 'example.com',
        scope,
        names: { plural, kind, singular: plural.slice(0, -1) },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      },
    });
    await admin.create(resources.customResourceDefinitions, definition('widgets', 'Widget', 'Namespaced') as never);
    await admin.create(resources.customResourceDefinitions, definition('limits', 'Limit', 'Cluster') as never);
    const post = (path: string, body: object) => api.admin.call({ method: 'POST', path, body: { apiVersion: 'example.com/v1', ...body } });
    await post('/apis/example.com/v1/limits', { kind: 'Limit', metadata: { name: 'small', labels: { use: 'yes' } }, spec: { size: 2 } });
    await post('/apis/example.com/v1/limits', { kind: 'Limit', metadata: { name: 'large', labels: { use: 'yes' } }, spec: { size: 9 } });
    await validating(
      'custom',
      {
        paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' },
        matchConstraints: {
          resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['*'], operations: ['CREATE'], resources: ['widgets'] }],
        },
        validations: [{ expression: 'object.spec.size <= params.spec.size', messageExpression: "'above ' + params.metadata.name" }],
      },
      { paramRef: { selector: { matchLabels: { use: 'yes' } }, parameterNotFoundAction: 'Deny' } },
    );
    const widget = (size: number): object => ({ kind: 'Widget', metadata: { name: `w${size.toString()}` }, spec: { size } });
    await post('/apis/example.com/v1/namespaces/default/widgets', widget(2));
    const refused = await failure(post('/apis/example.com/v1/namespaces/default/widgets', widget(5)));
    expect(refused.message).toContain('denied request: above small');
  });

  it('reports what does not fit the schema of its kinds', async () => {
    await admin.create(resources.validatingAdmissionPolicies, {
      metadata: { name: 'typed' },
      spec: {
        matchConstraints: labelled('typed'),
        validations: [{ expression: 'object.data.size() > 0' }, { expression: 'object.spec.replicas > 1' }],
      },
    });
    const { status } = await admin.get(resources.validatingAdmissionPolicies, { name: 'typed' });
    expect(status).toMatchObject({ observedGeneration: 1 });
    expect(status?.typeChecking?.expressionWarnings).toEqual([
      {
        fieldRef: 'spec.validations[1].expression',
        warning: "v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'spec'\n | object.spec.replicas > 1\n | ......^\n",
      },
    ]);
  });

  it('is checked when it is written, at the place of each expression', async () => {
    const refused = await failure(
      admin.create(resources.validatingAdmissionPolicies, {
        metadata: { name: 'broken' },
        spec: {
          matchConstraints: configMaps(),
          matchConditions: [{ name: 'c', expression: 'object.x +' }],
          variables: [{ name: 'v', expression: 'nope' }],
          validations: [{ expression: "'text'" }, { expression: 'variables.other == 1', messageExpression: '1' }],
          auditAnnotations: [{ key: 'k', valueExpression: 'params.x' }],
        },
      }),
    );
    const fields = (refused.details?.causes ?? []).map((cause) => cause.field);
    expect(fields).toEqual([
      'spec.matchConditions[0].expression',
      'spec.variables[0].expression',
      'spec.validations[0].expression',
      'spec.validations[1].expression',
      'spec.validations[1].messageExpression',
      'spec.auditAnnotations[0].valueExpression',
    ]);
    expect(refused.message).toContain("undeclared reference to 'nope' (in container '')");
    expect(refused.message).toContain('must evaluate to bool but got string');
    expect(refused.message).toContain("undefined field 'other'");
    expect(refused.message).toContain("undeclared reference to 'params'");
  });
});

describe('MutatingAdmissionPolicy', () => {
  it('merges an apply configuration', async () => {
    await mutating('apply', {
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: { expression: `Object{metadata: Object.metadata{labels: {"added": object.metadata.name}}}` },
        },
      ],
    });
    const created = await admin.create(resources.configMaps, map('apply', { a: '1' }));
    expect(created.metadata.labels).toEqual({ test: 'apply', added: created.metadata.name });
    expect(created.data).toEqual({ a: '1' });
  });

  it('applies JSON patches, with variables and escaped keys', async () => {
    await mutating('patch', {
      variables: [{ name: 'key', expression: `jsonpatch.escapeKey('example.com/x')` }],
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: {
            expression: `[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "add", path: "/metadata/labels/" + variables.key, value: "added"}]`,
          },
        },
      ],
    });
    const changed = await admin.create(resources.configMaps, map('patch', { a: '1' }));
    expect(changed.metadata.labels).toEqual({ test: 'patch', 'example.com/x': 'added' });
    const same = await admin.create(resources.configMaps, map('patch', { a: '2' }));
    expect(same.metadata.labels).toEqual({ test: 'patch' });
  });

  it('says what is wrong with a mutation', async () => {
    await mutating('misnamed', {
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{metadata: Object.spec{}}' } }],
    });
    const refused = await failure(admin.create(resources.configMaps, map('misnamed')));
    expect(refused.message).toBe(
      `policy 'misnamed' with binding 'misnamed-binding' denied request: type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type`,
    );
  });

  it('is checked when it is written', async () => {
    const refused = await failure(
      admin.create(resources.mutatingAdmissionPolicies, {
        metadata: { name: 'broken' },
        spec: {
          matchConstraints: configMaps(['CREATE']),
          reinvocationPolicy: 'Never',
          mutations: [
            { patchType: 'ApplyConfiguration', applyConfiguration: { expression: '{"a": 1}' } },
            { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: 1}]' } },
          ],
        },
      }),
    );
    const fields = (refused.details?.causes ?? []).map((cause) => cause.field);
    expect(fields).toEqual(['spec.mutations[0].applyConfiguration.expression', 'spec.mutations[1].jsonPatch.expression']);
    expect(refused.message).toContain('must evaluate to Object but got map(string, int)');
    expect(refused.message).toContain("expected type of field 'op' is 'string' but provided type is 'int'");
  });
});
