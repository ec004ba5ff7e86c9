import { badRequest, checkFieldLabels, FieldSelector, parseFieldSelector, parseLabelSelector } from '@bayplan/api';
import type { Selector } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { CacheEntry, Selection } from './cache-event.ts';
import type { StoredResource } from './served-resource.ts';

/** What a list, watch or deletecollection asks for by its URL. Throws `BadRequest` for selectors that cannot be read. */
export function selectionOf(context: ResourceContext, resource: StoredResource): Selection {
  const { query } = context.request;
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = inStoredNames(resource, parseFieldSelector(query.get('fieldSelector') ?? ''));
  checkFieldLabels(fields, knownFields(resource));
  const fieldName = fields.exactValue('metadata.name');
  const fieldNamespace = fields.exactValue('metadata.namespace');
  const { namespace, name } = context.info;
  if (name !== '' && fieldName !== undefined && fieldName !== name)
    throw badRequest('both a name and a field selector on metadata.name were given');
  const { indexField } = resource.strategy;
  return {
    namespace: namespace === '' ? fieldNamespace : namespace,
    name: name === '' ? fieldName : name,
    indexValue: indexField === undefined ? undefined : fields.exactValue(indexField),
    matches: matcher(labels, fields),
  };
}

/** Events of both groups are stored as those of the core group, which calls some fields by other names. */
function inStoredNames(resource: StoredResource, fields: FieldSelector): FieldSelector {
  if (resource.group !== 'events.k8s.io' || fields.isEverything) return fields;
  return new FieldSelector(
    fields.requirements.map((one) => ({
      ...one,
      field: one.field === 'reportingController' ? 'reportingComponent' : one.field.replace(/^regarding\./, 'involvedObject.'),
    })),
  );
}

function matcher(labels: Selector, fields: FieldSelector): (entry: CacheEntry) => boolean {
  if (labels.isEverything && fields.isEverything) return () => true;
  return (entry) => labels.matches(entry.labels) && fields.matches((field) => valueOf(entry, field));
}

function valueOf(entry: CacheEntry, field: string): string {
  if (field === 'metadata.name') return entry.name;
  if (field === 'metadata.namespace') return entry.namespace;
  return entry.fields[field] ?? '';
}

const known = new WeakMap<object, ReadonlySet<string>>();

/** The names that the strategy's `fields` gives for an empty object. */
function knownFields(resource: StoredResource): ReadonlySet<string> {
  let names = known.get(resource.strategy);
  if (names === undefined) {
    const own = resource.strategy.fields?.({ metadata: {} }) ?? {};
    names = new Set(['metadata.name', 'metadata.namespace', ...Object.keys(own)]);
    known.set(resource.strategy, names);
  }
  return names;
}
