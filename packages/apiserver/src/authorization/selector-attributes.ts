import { parseFieldSelector, parseLabelSelector } from '@bayplan/api';

export interface SelectorRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** What a list, watch or collection delete is narrowed to. All requirements hold; none that could not be read is among them. */
export interface SelectorAttributes {
  readonly field: readonly SelectorRequirement[];
  readonly label: readonly SelectorRequirement[];
}

export const unselective: SelectorAttributes = { field: [], label: [] };
const selectable = new Set(['list', 'watch', 'deletecollection']);

/** The selectors of a request's query; of other verbs than those that select, nothing. */
export function selectorsOfQuery(verb: string, query: URLSearchParams): SelectorAttributes {
  if (!selectable.has(verb)) return unselective;
  return selectorsOfTexts(query.get('fieldSelector') ?? '', query.get('labelSelector') ?? '');
}

/** What cannot be parsed narrows nothing: the request itself will be refused for it. */
export function selectorsOfTexts(field: string, label: string): SelectorAttributes {
  return { field: field === '' ? [] : fieldsOf(field), label: label === '' ? [] : labelsOf(label) };
}

function fieldsOf(text: string): SelectorRequirement[] {
  const parsed = attempt(() => parseFieldSelector(text));
  return (parsed?.requirements ?? []).map(({ field, operator, value }) => ({
    key: field,
    operator: operator === '=' ? 'In' : 'NotIn',
    values: [value],
  }));
}

function labelsOf(text: string): SelectorRequirement[] {
  const parsed = attempt(() => parseLabelSelector(text));
  return (parsed?.requirements ?? []).flatMap(({ key, operator, values }): SelectorRequirement[] => {
    switch (operator) {
      case 'Equals':
        return [{ key, operator: 'In', values: [...values] }];
      case 'NotEquals':
        return [{ key, operator: 'NotIn', values: [...values] }];
      case 'In':
      case 'NotIn':
      case 'Exists':
      case 'DoesNotExist':
        return [{ key, operator, values: [...values] }];
      case 'Gt':
      case 'Lt':
        // The API of access reviews has no words for these: less is said, so that less is granted.
        return [];
    }
  });
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
