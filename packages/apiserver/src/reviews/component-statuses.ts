import { methodNotSupported, notFound, parseFieldSelector, parseLabelSelector } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { Store } from '@bayplan/store';
import type { SpecialHandler } from '../registry/dispatch.ts';
import { encodeForStore, StoredObject } from '../registry/stored-object.ts';

/** A part of the control plane beside the API server, and how to ask for its health. */
export interface ComponentCheck {
  /** As Kubernetes calls it: `scheduler`, `controller-manager`. */
  readonly name: string;
  /** Resolves while it works; rejects with what is wrong. */
  check(): Promise<void>;
}

export interface ComponentStatusOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Those that run in this process; none where the API server runs alone. */
  readonly components: readonly ComponentCheck[];
}

const type = { apiVersion: 'v1', kind: 'ComponentStatus' } as const;
/** A component that does not answer within this time is not healthy. */
const longestMs = 5000;

/** `componentstatuses`: asks every component anew, and the store as `etcd-0`. Nothing is stored. */
export function componentStatusesHandler({ store, clock, components }: ComponentStatusOptions): SpecialHandler {
  const etcd: ComponentCheck = { name: 'etcd-0', check: async () => void (await store.currentRevision()) };
  const checks = [...components, etcd].sort((a, b) => (a.name < b.name ? -1 : 1));
  return async (_services, context, resource) => {
    const { verb, name } = context.info;
    if (verb === 'get') {
      const asked = checks.find((one) => one.name === name);
      if (asked === undefined) throw notFound(resource, name);
      return { kind: 'object', status: 200, resource, object: await statusOf(asked, clock) };
    }
    if (verb !== 'list') throw methodNotSupported(resource, verb);
    const labels = parseLabelSelector(context.request.query.get('labelSelector') ?? '');
    const fields = parseFieldSelector(context.request.query.get('fieldSelector') ?? '');
    const chosen = checks.filter(
      (one) => labels.matches(undefined) && fields.matches((field) => (field === 'metadata.name' ? one.name : '')),
    );
    return { kind: 'list', resource, objects: await Promise.all(chosen.map((one) => statusOf(one, clock))), resourceVersion: 0 };
  };
}

async function statusOf(component: ComponentCheck, clock: Clock): Promise<StoredObject> {
  const fault = await faultOf(component, clock);
  const condition = fault === undefined ? { status: 'True', message: 'ok' } : { status: 'False', error: fault };
  const object = { ...type, metadata: { name: component.name }, conditions: [{ type: 'Healthy', ...condition }] };
  return StoredObject.fromStore(type, component.name, 0, Buffer.from(encodeForStore(type, object as KubeObject)));
}

/** What is wrong with a component; undefined when nothing is. */
async function faultOf(component: ComponentCheck, clock: Clock): Promise<string | undefined> {
  const done = new AbortController();
  const late = clock.sleep(longestMs, done.signal).then(
    () => `no answer within ${(longestMs / 1000).toString()} seconds`,
    () => undefined, // the answer came first
  );
  const answer = component.check().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    done.abort();
  }
}
