import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/index.ts';
import { isConflict, schemaFor, serverSideApply, statusOf, trackUpdate, typedFailure, typedFaults } from '../../src/index.ts';

const deployment = schemaFor('apps', 'v1', 'Deployment')!;
const service = schemaFor('', 'v1', 'Service')!;
const now = '2026-01-02T03:04:05Z';
const later = '2026-01-02T03:05:05Z';

function web(spec: object, metadata: object = {}): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'd', ...metadata }, spec } as KubeObject;
}

function template(...containers: object[]): object {
  return { metadata: { labels: { app: 'web' } }, spec: { containers } };
}

const full = web(
  {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: template({ name: 'a', image: 'i:1', ports: [{ containerPort: 80 }] }),
  },
  { labels: { app: 'web' } },
);

function fieldsOf(object: KubeObject, manager: string): unknown {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

function specOf(object: KubeObject): Record<string, never> {
  return (object as unknown as { spec: Record<string, never> }).spec;
}

describe('trackUpdate', () => {
  it('gives the creator every field in the form that Kubernetes writes', () => {
    const made = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'kubectl-create', now });
    expect(made.metadata.managedFields).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: now,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"a"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it('moves a changed field to the one who changed it', () => {
    const made = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'one', now });
    const next = { ...made, spec: { ...specOf(made), replicas: 5 } } as KubeObject;
    const changed = trackUpdate({ descriptor: deployment, live: made, next, manager: 'two', now: later });
    expect(fieldsOf(changed, 'two')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect((fieldsOf(changed, 'one') as { 'f:spec': object })['f:spec']).not.toHaveProperty('f:replicas');
  });

  it('keeps the very same object when nothing changed', () => {
    const made = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'one', now });
    expect(trackUpdate({ descriptor: deployment, live: made, next: made, manager: 'two', now: later })).toBe(made);
  });

  it('does not give the status to a writer of the main endpoint', () => {
    const next = { ...full, status: { replicas: 1 } } as KubeObject;
    const made = trackUpdate({ descriptor: deployment, live: undefined, next, manager: 'one', now });
    expect(fieldsOf(made, 'one')).not.toHaveProperty('f:status');
    const after = { ...made, status: { replicas: 2 } } as KubeObject;
    const reported = trackUpdate({ descriptor: deployment, live: made, next: after, manager: 'ctl', subresource: 'status', now: later });
    expect(fieldsOf(reported, 'ctl')).toEqual({ 'f:status': { 'f:replicas': {} } });
  });

  it('forgets all managers on request and stays untracked', () => {
    const made = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'one', now });
    const reset = trackUpdate({
      descriptor: deployment,
      live: made,
      next: { ...made, metadata: { ...made.metadata, managedFields: [{}] } },
      manager: 'two',
      now,
    });
    expect(reset.metadata.managedFields).toBeUndefined();
    const next = { ...reset, spec: { ...specOf(reset), replicas: 9 } } as KubeObject;
    expect(trackUpdate({ descriptor: deployment, live: reset, next, manager: 'two', now }).metadata.managedFields).toBeUndefined();
  });

  it('folds the oldest managers above ten', () => {
    let object = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'creator', now });
    for (let at = 0; at < 14; at++) {
      const next = { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, [`l${at.toString()}`]: 'x' } } };
      const time = `2026-01-02T04:04:${(10 + at).toString()}Z`;
      object = trackUpdate({ descriptor: deployment, live: object, next, manager: `m${at.toString()}`, now: time });
    }
    const names = object.metadata.managedFields?.map((entry) => entry.manager);
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes');
    expect(names).toContain('m13');
  });
});

describe('serverSideApply', () => {
  const apply = (live: KubeObject | undefined, applied: KubeObject, manager: string, force = false): KubeObject =>
    serverSideApply({ descriptor: deployment, live, applied, manager, force, now }).object;

  it('creates, and owns exactly what was applied', () => {
    const made = apply(undefined, full, 'kubectl');
    expect(fieldsOf(made, 'kubectl')).toEqual({
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"a"}': {
                '.': {},
                'f:image': {},
                'f:name': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    });
  });

  it('changes nothing when applied again', () => {
    const made = apply(undefined, full, 'kubectl');
    const again = serverSideApply({ descriptor: deployment, live: made, applied: full, manager: 'kubectl', force: false, now: later });
    expect(again).toEqual({ object: made, changed: false });
  });

  it('refuses a field of another manager, in the words of Kubernetes', () => {
    const made = trackUpdate({ descriptor: deployment, live: undefined, next: full, manager: 'other', now });
    let error: unknown;
    try {
      apply(made, web({ replicas: 3 }), 'me');
    } catch (thrown) {
      error = thrown;
    }
    expect(isConflict(error)).toBe(true);
    expect(statusOf(error)?.message).toBe('Apply failed with 1 conflict: conflict with "other" using apps/v1: .spec.replicas');
    expect(statusOf(error)?.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "other" using apps/v1', field: '.spec.replicas' },
    ]);
    const forced = apply(made, web({ replicas: 3 }), 'me', true);
    expect(specOf(forced)).toMatchObject({ replicas: 3 });
    expect(fieldsOf(forced, 'me')).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  it('shares a field when the values agree', () => {
    const made = apply(undefined, full, 'one');
    const shared = apply(made, web({ replicas: 2 }), 'two');
    const given = apply(shared, web({}), 'two');
    expect(specOf(given)).toMatchObject({ replicas: 2 });
  });

  it('removes what is no longer applied, unless another owns it', () => {
    const made = apply(undefined, full, 'one');
    const { selector, template: pods } = specOf(full) as unknown as { selector: object; template: object };
    const rest = { selector, template: pods };
    expect(specOf(apply(made, web(rest, { labels: { app: 'web' } }), 'one'))).not.toHaveProperty('replicas');
    expect(apply(made, web(specOf(full)), 'one').metadata.labels).toBeUndefined();
  });

  it('merges items of lists by key and keeps those of others', () => {
    const made = apply(undefined, full, 'one');
    const injected = apply(made, web({ template: { spec: { containers: [{ name: 'side', image: 's' }] } } }), 'injector');
    const containers = (object: KubeObject): { name: string }[] =>
      (specOf(object) as unknown as { template: { spec: { containers: { name: string }[] } } }).template.spec.containers;
    expect(containers(injected).map(({ name }) => name)).toEqual(['a', 'side']);
    expect(containers(apply(injected, full, 'one')).map(({ name }) => name)).toEqual(['a', 'side']);
    expect(containers(apply(injected, web({}), 'injector')).map(({ name }) => name)).toEqual(['a']);
  });

  it('lets kubectl take over its own client-side apply without force', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(full) };
    const next = { ...full, metadata: { ...full.metadata, annotations } };
    const made = trackUpdate({ descriptor: deployment, live: undefined, next, manager: 'kubectl-client-side-apply', now });
    const changed = web({ ...specOf(full), replicas: 7 }, { labels: { app: 'web' } });
    expect(specOf(apply(made, changed, 'kubectl'))).toMatchObject({ replicas: 7 });
    expect(() => apply(made, changed, 'someone')).toThrow(/conflict/);
  });

  it('names the owner of what was there before the first apply', () => {
    const made = apply(full, web({ replicas: 2 }), 'me');
    expect(made.metadata.managedFields?.map((entry) => entry.manager)).toEqual(['me', 'before-first-apply']);
  });

  it('knows the ports of a Service by port and protocol', () => {
    const object = (ports: object[]): KubeObject =>
      ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports } }) as KubeObject;
    const live = serverSideApply({
      descriptor: service,
      live: undefined,
      applied: object([{ port: 53, protocol: 'UDP' }]),
      manager: 'a',
      force: false,
      now,
    });
    const next = serverSideApply({
      descriptor: service,
      live: live.object,
      applied: object([{ port: 53, targetPort: 5353 }]),
      manager: 'b',
      force: false,
      now,
    });
    expect(specOf(next.object)).toEqual({
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 53, targetPort: 5353 },
      ],
    });
  });
});

describe('what cannot be fields of its type', () => {
  it.each([
    [deployment, { spec: { replica: 3 } }, ['.spec.replica: field not declared in schema']],
    [
      deployment,
      { spec: { template: { spec: { containers: [{ name: 'a', imag: 'x' }], nope: 1 } } } },
      [
        '.spec.template.spec.containers[name="a"].imag: field not declared in schema',
        '.spec.template.spec.nope: field not declared in schema',
      ],
    ],
    [
      deployment,
      { spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } } },
      ['.spec.template.spec.containers: duplicate entries for key [name="a"]'],
    ],
    [
      deployment,
      { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
      [
        '.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
      ],
    ],
    // The protocol of a port has a default.
    [service, { spec: { ports: [{ port: 80 }, { port: 80, protocol: 'UDP' }] } }, []],
    [
      service,
      { spec: { ports: [{ port: 80 }, { port: 80, protocol: 'TCP' }] } },
      ['.spec.ports: duplicate entries for key [port=80,protocol="TCP"]'],
    ],
    [service, { metadata: { finalizers: ['a', 'a'], labels: { any: 'x' } } }, ['.metadata.finalizers: duplicate entries for key [="a"]']],
  ])('%#', (descriptor, value, faults) => {
    expect(typedFaults(value, descriptor)).toEqual(faults);
  });

  it('is refused in the words of Kubernetes', () => {
    const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: 'd' } };
    const { status } = typedFailure(applied, ['.spec.x: field not declared in schema']);
    expect([status.code, status.reason]).toEqual([500, undefined]);
    expect(status.message).toBe(
      'failed to create typed patch object (d/x; apps/v1, Kind=Deployment): .spec.x: field not declared in schema',
    );
  });
});
