import { alreadyExists, resources } from '@bayplan/api';
import type { Binding, KubeObject, Pod, PodCondition, ResourceRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { createFakeInformers } from './fake-informers.ts';

export interface RecordedEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** Just enough of an API server for a scheduler: pods can be bound and get conditions, Events are kept. */
export function createFakeCluster() {
  const informers = createFakeInformers();
  const pods = informers.informer(resources.pods);
  const nodes = informers.informer(resources.nodes);
  const events: RecordedEvent[] = [];
  const bindings: string[] = [];
  /** Thrown by the next bindings, one each. */
  const bindFailures: Error[] = [];
  const find = (key: { namespace?: string | undefined; name: string }): Pod => {
    const found = pods.lister.get(`${key.namespace ?? ''}/${key.name}`);
    if (found === undefined) throw new Error(`no pod ${key.name}`);
    return found;
  };
  const client = {
    create: (ref: ResourceRef, object: KubeObject) => {
      if (ref.resource === 'events') events.push(object as unknown as RecordedEvent);
      return Promise.resolve(object);
    },
    patch: (
      ref: ResourceRef,
      key: { namespace?: string; name: string },
      _type: string,
      patch: { status?: { conditions: PodCondition[] } },
    ) => {
      if (ref.resource === 'pods' && patch.status) {
        const pod = find(key);
        pods.put({ ...pod, status: { ...pod.status, conditions: patch.status.conditions } });
      }
      return Promise.resolve({});
    },
    createSubresource: async (_ref: ResourceRef, key: { namespace?: string; name: string }, _subresource: string, binding: Binding) => {
      await Promise.resolve();
      const failure = bindFailures.shift();
      if (failure !== undefined) throw failure;
      const pod = find(key);
      if (pod.spec?.nodeName) throw alreadyExists(resources.pods, key.name);
      bindings.push(`${key.name} ${binding.target.name ?? ''}`);
      pods.put({ ...pod, spec: { ...(pod.spec ?? { containers: [] }), nodeName: binding.target.name } });
      return binding;
    },
  } as unknown as Client;
  return { informers, pods, nodes, events, bindings, bindFailures, client, find };
}
