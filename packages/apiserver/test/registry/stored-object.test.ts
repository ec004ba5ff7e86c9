import { describe, expect, it } from 'vitest';
import { encodeForStore, StoredObject } from '../../src/registry/stored-object.ts';

const type = { apiVersion: 'v1', kind: 'ConfigMap' };
const object = { kind: 'ConfigMap', data: { ä: 'ö' }, apiVersion: 'v1', metadata: { name: 'a', resourceVersion: '7', labels: { x: 'y' } } };

describe('StoredObject', () => {
  const stored = StoredObject.fromStore(type, '/k', 42, Buffer.from(encodeForStore(type, object)), 'MODIFIED');

  it('splices the revision into the bytes', () => {
    expect(JSON.parse(stored.bytes.toString())).toEqual({ ...object, metadata: { ...object.metadata, resourceVersion: '42' } });
  });

  it('is a watch line, whatever its type', () => {
    expect(JSON.parse(stored.line('MODIFIED').toString())).toEqual({ type: 'MODIFIED', object: stored.object });
    expect(JSON.parse(stored.line('ADDED').toString())).toEqual({ type: 'ADDED', object: stored.object });
    expect(stored.line('MODIFIED').buffer).toBe(stored.bytes.buffer);
  });

  it('gives items of lists without their type', () => {
    expect(JSON.parse(`{${stored.itemBytes.toString()}`)).toEqual({ metadata: stored.object.metadata, data: object.data });
  });

  it('shows a deletion at its own revision', () => {
    expect(JSON.parse(stored.deletedAt(50).bytes.toString())).toMatchObject({ metadata: { name: 'a', resourceVersion: '50' } });
  });

  it('does not keep the resourceVersion in the store', () => {
    expect(encodeForStore(type, object)).toBe(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"ä":"ö"}}',
    );
  });
});
