import { compileJsonPath } from '@bayplan/api';
import type { CustomResourceDefinitionVersion, KubeObject } from '@bayplan/api';

/** The fields by which objects of a resource can be selected, beside name and namespace. */
export interface SelectableFields {
  /** All of them in one text: two definitions select alike when it is the same. */
  readonly names: string;
  readonly of: (object: KubeObject) => Readonly<Record<string, string>>;
}

const none: Readonly<Record<string, string>> = Object.freeze({});

/** Of all versions together: with conversion `None` a field is in the same place in every one. */
export function selectableFields(versions: readonly Pick<CustomResourceDefinitionVersion, 'selectableFields'>[]): SelectableFields {
  const paths = [...new Set(versions.flatMap((version) => (version.selectableFields ?? []).map((field) => field.jsonPath)))].sort();
  if (paths.length === 0) return { names: '', of: () => none };
  const compiled = paths.map((path) => ({ name: path.replace(/^\./, ''), find: compileJsonPath(path) }));
  return {
    names: paths.join('\n'),
    of: (object) =>
      Object.fromEntries(
        compiled.map(({ name, find }) => {
          const [value] = find(object);
          return [name, value === undefined || typeof value === 'object' ? '' : String(value as string | number | boolean)];
        }),
      ),
  };
}
