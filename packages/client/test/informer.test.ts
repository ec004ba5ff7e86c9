import { resources, serviceUnavailable } from '@bayplan/api';
import type { ConfigMap } from '@bayplan/api';
import { FakeClock, silentLogger } from '@bayplan/component-base';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, createInformer, createInformerFactory, dropManagedFields } from '../src/index.ts';
import type { Informer } from '../src/index.ts';
import { FakeApi } from './fake-api.ts';

const path = '/api/v1/configmaps';

function configMap(name: string, namespace = 'default', value = ''): ConfigMap {
  return { metadata: { name, namespace, uid: `${namespace}-${name}` }, data: { value } };
}

describe('an informer', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let stop: AbortController;
  let informer: Informer<ConfigMap>;
  let seen: string[];

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    stop = new AbortController();
    seen = [];
    informer = createInformer({ client: createClient(api), ref: resources.configMaps, clock, logger: silentLogger });
    informer.addHandlers({
      onAdd: (object) => seen.push(`add ${object.metadata.name ?? ''}`),
      onUpdate: (object, previous) =>
        seen.push(`update ${object.metadata.name ?? ''} ${previous.data?.['value'] ?? ''}>${object.data?.['value'] ?? ''}`),
      onDelete: (object) => seen.push(`delete ${object.metadata.name ?? ''}`),
    });
  });

  afterEach(() => stop.abort());

  it('lists, then follows the watch', async () => {
    api.put(`${path}/a`, configMap('a'));
    informer.start(stop.signal);
    await informer.synced;
    expect(informer.lister.get('default/a')?.metadata.name).toBe('a');
    await clock.advance(0);
    api.put(`${path}/b`, configMap('b'));
    api.put(`${path}/a`, configMap('a', 'default', 'new'));
    api.remove(`${path}/b`);
    await clock.advance(0);
    expect(seen).toEqual(['add a', 'add b', 'update a >new', 'delete b']);
    expect(informer.lister.size).toBe(1);
  });

  it('resumes from the last revision when the watch ends', async () => {
    informer.start(stop.signal);
    await informer.synced;
    await clock.advance(2000);
    api.put(`${path}/a`, configMap('a'));
    await clock.advance(0);
    api.cutWatches();
    api.put(`${path}/b`, configMap('b'));
    await clock.advance(1000);
    expect(seen).toEqual(['add a', 'add b']);
    expect(api.calls.filter((call) => call.query?.['allowWatchBookmarks'] === undefined)).toHaveLength(1); // one list
  });

  it('lists again when its revision has expired, and finds what changed meanwhile', async () => {
    api.put(`${path}/a`, configMap('a'));
    api.put(`${path}/b`, configMap('b', 'default', 'old'));
    informer.start(stop.signal);
    await informer.synced;
    await clock.advance(0);
    api.cutWatches(serviceUnavailable('cut'));
    api.objects.delete(`${path}/a`);
    api.revision += 10;
    api.objects.set(`${path}/b`, { ...configMap('b', 'default', 'new'), metadata: { ...configMap('b').metadata, resourceVersion: '12' } });
    api.compacted = 11;
    await clock.advance(5000);
    expect(seen).toEqual(['add a', 'add b', 'update b old>new', 'delete a']);
    expect(api.watching).toBe(1);
  });

  it('backs off while the server does not answer', async () => {
    let failures = 0;
    api.fail = () => (failures++ < 3 ? serviceUnavailable('not yet') : undefined);
    informer.start(stop.signal);
    await clock.advance(250 + 500); // two backoffs: three calls
    expect(informer.hasSynced).toBe(false);
    await clock.advance(1000);
    expect(informer.hasSynced).toBe(true);
    expect(failures).toBe(4);
  });

  it('tells a late handler what is cached', async () => {
    api.put(`${path}/a`, configMap('a'));
    informer.start(stop.signal);
    await informer.synced;
    const late: string[] = [];
    const remove = informer.addHandlers({ onAdd: (object) => late.push(object.metadata.name ?? '') });
    expect(late).toEqual(['a']);
    remove();
    await clock.advance(0);
    api.put(`${path}/b`, configMap('b'));
    await clock.advance(0);
    expect(late).toEqual(['a']);
  });

  it('reports a deletion and an addition when an object was replaced', async () => {
    informer.start(stop.signal);
    await informer.synced;
    await clock.advance(0);
    api.put(`${path}/a`, configMap('a'));
    api.put(`${path}/a`, { ...configMap('a'), metadata: { ...configMap('a').metadata, uid: 'another' } });
    await clock.advance(0);
    expect(seen).toEqual(['add a', 'delete a', 'add a']);
  });

  it('keeps indexes up to date', async () => {
    const byValue = (object: ConfigMap): string[] => (object.data?.['value'] ? [object.data['value']] : []);
    informer.addIndexers({ value: byValue });
    informer.addIndexers({ value: byValue });
    expect(() => informer.addIndexers({ value: () => [] })).toThrow('another index');
    api.put(`${path}/a`, configMap('a', 'one', 'x'));
    api.put(`${path}/b`, configMap('b', 'two', 'x'));
    informer.start(stop.signal);
    await informer.synced;
    await clock.advance(0);
    const names = (value: string): string[] => informer.lister.byIndex('value', value).map((object) => object.metadata.name ?? '');
    expect(names('x')).toEqual(['a', 'b']);
    expect(informer.lister.list('two').map((object) => object.metadata.name)).toEqual(['b']);
    api.put(`${path}/a`, configMap('a', 'one', 'y'));
    api.remove(`${path}/b`);
    await clock.advance(0);
    expect([names('x'), names('y')]).toEqual([[], ['a']]);
    expect(informer.lister.list('two')).toEqual([]);
    expect(() => informer.lister.byIndex('none', 'x')).toThrow('no index');
  });
});

describe('an informer factory', () => {
  it('shares informers of one scope and drops managedFields when asked to', async () => {
    const api = new FakeApi();
    const stop = new AbortController();
    api.put(`${path}/a`, { metadata: { name: 'a', managedFields: [{ manager: 'm' }] } });
    const factory = createInformerFactory({
      client: createClient(api),
      clock: new FakeClock(),
      logger: silentLogger,
      transform: dropManagedFields,
    });
    const informer = factory.informer(resources.configMaps);
    expect(factory.informer(resources.configMaps)).toBe(informer);
    expect(factory.informer(resources.configMaps, { namespace: 'default' })).not.toBe(informer);
    factory.start(stop.signal);
    await factory.synced();
    expect(informer.lister.get('a')?.metadata).toEqual({ name: 'a', resourceVersion: '1' });
    stop.abort();
  });
});
