import { applyJsonPatch, internalError, sameJson, schemaFor } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { ResourceContext } from '../../chain/context.ts';
import type { Registry } from '../../registry/registry.ts';
import { decodeAs, toStored } from '../../registry/decode-object.ts';
import type { ServedResource } from '../../registry/served-resource.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationRound } from '../admission.ts';
import { replaceContents } from '../admission.ts';
import type { Verdict } from './admission-review.ts';
import { CallFault, HookCaller } from './hook-caller.ts';
import type { CallerOptions } from './hook-caller.ts';
import { HookSource } from './hook.ts';
import type { Hook } from './hook.ts';
import { convertedTo, invocationOf, isExempt, kindIn } from './hook-matching.ts';
import type { HookConditions } from './match-conditions.ts';

/** What the first round leaves for the second. */
interface Memory {
  /** Webhooks that were called and may be called again. */
  readonly invoked: Set<string>;
  /** Those of them after whose call something changed. */
  readonly due: Set<string>;
  /** The object as the last webhook left it, to see what plug-ins do to it after that. */
  output: KubeObject | undefined;
}

const key = 'MutatingAdmissionWebhook';

/** Asks the mutating webhooks one after the other and applies their patches; again, where one wants it, after later changes. */
export function mutatingWebhooks(registry: Registry, options: CallerOptions, conditions: HookConditions): AdmissionPlugin {
  const source = new HookSource(registry, 'admit');
  const caller = new HookCaller(options, 'admit');
  return {
    name: key,
    async mutate(request, round) {
      const hooks = await source.list();
      if (hooks.length === 0 || isExempt(request)) return false;
      const memory = memoryOf(round);
      if (round.again && memory.output !== undefined && !sameJson(memory.output, request.object)) markAll(memory);
      let changed = false;
      for (const [index, hook] of hooks.entries()) {
        if (round.again && !memory.due.has(hook.id)) continue;
        const invocation = await invocationOf(hook, request, registry);
        if (invocation === undefined || !(await conditions.meets(hook, request, invocation))) continue;
        let mutated = false;
        const outcome = await caller.call(hook, invocation, request, async (verdict) => {
          mutated = await applyPatch(hook, verdict, request, invocation.resource);
        });
        annotate(request, hook, round, index, outcome, mutated);
        if (mutated) {
          changed = true;
          markAll(memory);
        }
        memory.due.delete(hook.id);
        if ('reinvocationPolicy' in hook.webhook && hook.webhook.reinvocationPolicy === 'IfNeeded') memory.invoked.add(hook.id);
      }
      if (!round.again && request.object !== undefined) memory.output = structuredClone(request.object);
      return changed;
    },
  };
}

function memoryOf({ state }: MutationRound): Memory {
  const kept = state.get(key) as Memory | undefined;
  if (kept !== undefined) return kept;
  const made: Memory = { invoked: new Set(), due: new Set(), output: undefined };
  state.set(key, made);
  return made;
}

function markAll({ invoked, due }: Memory): void {
  for (const id of invoked) due.add(id);
  invoked.clear();
}

function annotate(
  request: AdmissionRequest,
  hook: Hook,
  { again }: MutationRound,
  index: number,
  outcome: 'called' | 'passed-over',
  mutated: boolean,
): void {
  const place = `round_${again ? '1' : '0'}_index_${index.toString()}`;
  const prefix = `${outcome === 'called' ? '' : 'failed-open.'}mutation.webhook.admission.k8s.io/`;
  const about = { configuration: hook.configuration, webhook: hook.webhook.name };
  request.annotate(`${prefix}${place}`, outcome === 'called' ? JSON.stringify({ ...about, mutated }) : hook.webhook.name);
}

/** Applies a verdict's patch to the object of the request, through the version in which the webhook saw it. True if it changed. */
async function applyPatch(hook: Hook, verdict: Verdict, request: AdmissionRequest, resource: ServedResource): Promise<boolean> {
  const { name } = hook.webhook;
  if (verdict.patch === '') return false;
  const operations = decodedPatch(name, verdict.patch);
  if (operations.length === 0) return false;
  if (request.object === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (verdict.patchType !== 'JSONPatch') {
    throw new CallFault(name, `unsupported patch type ${JSON.stringify(verdict.patchType)}`, 400);
  }
  try {
    const seen = await convertedTo(resource, request, request.object);
    const patched = applyJsonPatch(structuredClone(seen), operations);
    const stored = await decoded(request, resource, patched);
    if (sameJson(stored, request.object)) return false;
    replaceContents(request.object, stored);
    return true;
  } catch (error) {
    throw internalError((error as Error).message, error);
  }
}

async function decoded(request: AdmissionRequest, resource: ServedResource, value: unknown): Promise<KubeObject> {
  const kind = kindIn(resource, request);
  // Options of exec and the like have no schema: nothing reads more of them than it knows.
  if (request.bodyKind !== undefined && schemaFor(kind.group, kind.version, kind.kind) === undefined) return value as KubeObject;
  const object = structuredClone(
    decodeAs(request.context as ResourceContext, request.bodyKind === undefined ? resource : kind, value, 'Ignore'),
  );
  if (request.bodyKind !== undefined) return object;
  return request.resource.custom === undefined ? toStored(resource, object) : request.resource.custom.from(object);
}

function decodedPatch(webhook: string, patch: string): readonly unknown[] {
  try {
    const operations: unknown = JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
    if (!Array.isArray(operations)) throw new Error('the patch is not a list of operations');
    return operations;
  } catch (error) {
    throw new CallFault(webhook, `received undecodable patch in webhook response: ${(error as Error).message}`, 503, error);
  }
}
