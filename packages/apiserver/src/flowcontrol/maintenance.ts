import { isAlreadyExists, isConflict, isNotFound, resources, sameJson } from '@bayplan/api';
import type { FlowSchema, KubeObject, ResourceRef } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { timestamp } from '@bayplan/component-base';
import type { Clock, Logger } from '@bayplan/component-base';
import { ensure } from '../bootstrap/ensure.ts';
import { bootstrapLevels, bootstrapSchemas } from './bootstrap-objects.ts';

const autoupdate = 'apf.kubernetes.io/autoupdate-spec';
const retryMs = 1_000;

interface Wanted {
  readonly name: string;
  readonly mandatory: boolean;
  readonly spec: object;
}

/** Writes the objects that a cluster begins with, and brings those of an older version up to date. */
export async function ensureFlowControl(client: Client): Promise<void> {
  await Promise.all(bootstrapLevels.map((level) => keep(client, resources.priorityLevelConfigurations, level)));
  await Promise.all(bootstrapSchemas.map((schema) => keep(client, resources.flowSchemas, schema)));
}

async function keep(client: Client, ref: ResourceRef, { name, mandatory, spec }: Wanted): Promise<void> {
  const wanted = { metadata: { name, annotations: { [autoupdate]: 'true' } }, spec } as KubeObject;
  const present = (await ensure(client, ref, wanted)) as KubeObject & { spec?: unknown };
  const said = present.metadata.annotations?.[autoupdate];
  // Somebody may take a suggested object over by saying so, or by having changed it before this could be said.
  const ours = mandatory || said === 'true' || (said !== 'false' && (present.metadata.generation ?? 1) === 1);
  if (!ours || covers(present.spec, spec)) return;
  await client
    .update(ref, {
      ...present,
      metadata: { ...present.metadata, annotations: { ...present.metadata.annotations, [autoupdate]: 'true' } },
      spec,
    } as KubeObject)
    .catch(ignoreRace);
}

/** Whether every field of `wanted` is so in `present`, which has defaults besides. */
function covers(present: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted) && Array.isArray(present))
    return wanted.length === present.length && wanted.every((one, index) => covers(present[index], one));
  if (typeof wanted !== 'object' || wanted === null || typeof present !== 'object' || present === null) return sameJson(present, wanted);
  return Object.entries(wanted).every(([name, value]) => covers((present as Record<string, unknown>)[name], value));
}

function ignoreRace(error: unknown): void {
  if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
}

/** Keeps the status of FlowSchemas true, and mandatory objects there, by what the watches tell. Resolves when it has stopped. */
export async function maintainFlowControl(client: Client, clock: Clock, logger: Logger, signal: AbortSignal): Promise<void> {
  const follow = async (ref: ResourceRef): Promise<void> => {
    while (!signal.aborted) {
      try {
        await reconcile(client, clock);
        for await (const event of client.watch(ref, { signal })) {
          if (event.type === 'BOOKMARK') continue;
          if (event.type === 'DELETED') await ensureFlowControl(client);
          await reconcile(client, clock);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('Flow control objects could not be maintained', { err: error });
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  };
  await Promise.all([follow(resources.flowSchemas), follow(resources.priorityLevelConfigurations)]);
}

/** Says of every FlowSchema whether its level exists. */
async function reconcile(client: Client, clock: Clock): Promise<void> {
  const [schemas, levels] = await Promise.all([client.list(resources.flowSchemas), client.list(resources.priorityLevelConfigurations)]);
  const names = new Set(levels.items.map(({ metadata }) => metadata.name));
  for (const schema of schemas.items) {
    const level = schema.spec?.priorityLevelConfiguration.name ?? '';
    const exists = names.has(level);
    const status = exists ? 'False' : 'True';
    const message = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} ${exists ? 'and it exists' : 'but there is no such object'}`;
    const conditions = schema.status?.conditions ?? [];
    const before = conditions.find(({ type }) => type === 'Dangling');
    if (before?.status === status && before.message === message) continue;
    const changed = before?.status !== status;
    const dangling = {
      type: 'Dangling',
      status,
      reason: exists ? 'Found' : 'NotFound',
      message,
      lastTransitionTime: changed ? timestamp(clock.now()) : before.lastTransitionTime,
    };
    const next: FlowSchema = { ...schema, status: { conditions: [...conditions.filter(({ type }) => type !== 'Dangling'), dangling] } };
    await client
      .update(resources.flowSchemas, next as FlowSchema & KubeObject, {
        subresource: 'status',
        fieldManager: 'api-priority-and-fairness-config-consumer-v1',
      })
      .catch(ignoreRace);
  }
}
