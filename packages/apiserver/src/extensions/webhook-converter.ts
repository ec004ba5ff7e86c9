import { apiVersionOf, statusError } from '@bayplan/api';
import type { CustomResourceDefinition, KubeObject, StatusError } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import type { WebhookClient } from '../webhooks/webhook-client.ts';
import { WebhookCallError } from '../webhooks/webhook-client.ts';
import type { Converter } from './converter.ts';

const timeoutMs = 30_000;
const group = 'apiextensions.k8s.io';

type Conversion = NonNullable<CustomResourceDefinition['spec']['conversion']>;

interface ReviewResponse {
  readonly uid?: unknown;
  readonly result?: { readonly status?: unknown; readonly message?: unknown };
  readonly convertedObjects?: unknown;
}

/** Strategy `Webhook`: objects that are in another version are sent to it in one review. */
export function webhookConverter(conversion: Conversion, client: () => WebhookClient, random: Random): Converter {
  const target = conversion.webhook?.clientConfig ?? {};
  const known = (conversion.webhook?.conversionReviewVersions ?? []).find((version) => version === 'v1' || version === 'v1beta1');
  return {
    remote: true,
    async convert(objects, apiVersion) {
      const foreign = objects.filter((object) => object.apiVersion !== apiVersion);
      const [first] = foreign;
      if (first === undefined) return [...objects];
      const who = `conversion webhook for ${first.apiVersion ?? ''}, Kind=${first.kind ?? ''}`;
      if (known === undefined) throw failed('no supported conversion review versions');
      const uid = random.uuid();
      const type = { apiVersion: apiVersionOf({ group, version: known }), kind: 'ConversionReview' };
      const request = { uid, desiredAPIVersion: apiVersion, objects: foreign };
      let answer: unknown;
      try {
        answer = await client().post(target, { ...type, request }, timeoutMs, new AbortController().signal);
      } catch (error) {
        if (error instanceof WebhookCallError) throw failed(`${who} failed: ${error.message}`, error);
        throw error;
      }
      const converted = objectsOf(answer, type, known === 'v1' ? uid : undefined, who);
      if (converted.length !== foreign.length)
        throw failed(`${who} returned ${converted.length.toString()} objects, expected ${foreign.length.toString()}`);
      const checked = foreign.map((object, at) => checkedObject(object, converted[at], apiVersion, at, who)).values();
      return objects.map((object) => (object.apiVersion === apiVersion ? object : (checked.next().value ?? object)));
    },
  };
}

function failed(message: string, cause?: unknown): StatusError {
  return statusError(500, '', message, undefined, cause === undefined ? undefined : { cause });
}

/** The objects of a review that went well. `uid`: what the answer must repeat. */
function objectsOf(
  answer: unknown,
  type: { readonly apiVersion: string; readonly kind: string },
  uid: string | undefined,
  who: string,
): unknown[] {
  const review = (answer ?? {}) as { apiVersion?: unknown; kind?: unknown; response?: ReviewResponse | null };
  const fail = (why: string): StatusError => failed(`${who} failed: ${why}`);
  if (uid !== undefined && (review.apiVersion !== type.apiVersion || review.kind !== type.kind)) {
    const got = `${String(review.apiVersion ?? '')}, Kind=${String(review.kind ?? '')}`;
    throw fail(`expected webhook response of ${type.apiVersion}, Kind=${type.kind}, got ${got}`);
  }
  const { response } = review;
  if (response === undefined || response === null) throw fail('no response provided');
  if (uid !== undefined && response.uid !== uid)
    throw fail(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
  const { status = '', message = '' } = response.result ?? {};
  if (status !== 'Success') throw fail(message === '' ? `response.result.status was '${String(status)}', not 'Success'` : String(message));
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
}

/** A webhook may change everything but what identifies an object; of metadata only labels and annotations. */
function checkedObject(original: KubeObject, value: unknown, apiVersion: string, at: number, who: string): KubeObject {
  const refuse = (why: string): StatusError => failed(`${who} returned invalid converted object at index ${at.toString()}: ${why}`);
  if (typeof value !== 'object' || value === null) throw refuse('it is not an object');
  const object = value as Partial<KubeObject>;
  if (object.apiVersion !== apiVersion) throw refuse(`invalid groupVersion (expected ${apiVersion}, received ${object.apiVersion ?? ''})`);
  if (object.kind !== original.kind) throw refuse(`invalid kind (expected ${original.kind ?? ''}, received ${object.kind ?? ''})`);
  const metadata: unknown = object.metadata;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw refuse('it has no metadata');
  const given = metadata as KubeObject['metadata'];
  const labels = textsOf(given.labels);
  const annotations = textsOf(given.annotations);
  for (const [field, name] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before, after] = [original.metadata[field] ?? '', given[field] ?? ''];
    if (before !== after) {
      const why = `must have the same ${name}: ${String(before)} != ${String(after)}`;
      throw failed(`${who} returned invalid metadata in object at index ${at.toString()}: ${why}`);
    }
  }
  const kept = { ...original.metadata };
  if (labels === undefined) delete kept.labels;
  else kept.labels = labels;
  if (annotations === undefined) delete kept.annotations;
  else kept.annotations = annotations;
  return { ...(value as KubeObject), metadata: kept };
}

function textsOf(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
