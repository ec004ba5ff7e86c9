// The TypeScript interfaces and the typed constant `resources`.

const scalarTypes = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  float64: 'number',
  bytes: 'string',
  quantity: 'string',
  intOrString: 'number | string',
  time: 'string',
  microTime: 'string',
  raw: 'unknown',
  any: 'unknown',
  json: 'unknown',
  fieldsV1: 'Record<string, unknown>',
  jsonOrArray: 'JSONSchemaProps | JSONSchemaProps[]',
  jsonOrBool: 'JSONSchemaProps | boolean',
  jsonOrStringArray: 'JSONSchemaProps | string[]',
};

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** The interface name of every type: its own, `V2…` for autoscaling/v2, and on a clash the name that client-node uses (`CoreV1Event`). */
export function interfaceNames(types) {
  const owners = new Map();
  const names = new Map();
  const plain = (type) =>
    type.package === 'io.k8s.api.autoscaling.v2'
      ? `V2${type.short}`
      : type.package.endsWith('pkg.version')
        ? `Version${type.short}`
        : type.short;
  for (const type of types) owners.set(plain(type), (owners.get(plain(type)) ?? 0) + 1);
  for (const type of types) {
    const name = plain(type);
    const [group, version] = type.package.split('.').slice(-2);
    names.set(type.name, owners.get(name) > 1 ? `${capital(group)}${capital(version)}${name}` : name);
  }
  return names;
}

function fieldType(names, field) {
  let text = names.get(field.base) ?? scalarTypes[field.base];
  if (text === undefined) throw new Error(`unknown type ${field.base}`);
  const wrappers = field.prefix.match(/\[\]|\{\}/g) ?? [];
  for (const wrapper of wrappers.reverse())
    text = wrapper === '{}' ? `Record<string, ${text}>` : text.includes('|') ? `(${text})[]` : `${text}[]`;
  return text;
}

const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`);

export function typesSource(types) {
  const names = interfaceNames(types);
  const byName = new Map(types.map((type) => [type.name, type]));
  const out = ['// Made by scripts/generate.mjs from packages/api/schema. Do not edit.', ''];
  const fieldsOf = (type) => type.fields.flatMap((field) => (field.name === '~' ? fieldsOf(byName.get(field.base)) : [field]));
  for (const type of types) {
    out.push(`/** ${type.name} */`, `export interface ${names.get(type.name)} {`);
    if (type.kind) out.push('  apiVersion?: string | undefined;', '  kind?: string | undefined;');
    for (const field of fieldsOf(type)) {
      const isMeta = field.name === 'metadata' && type.kind && (field.base.endsWith('.ObjectMeta') || type.short.endsWith('List'));
      const required = isMeta || !field.optional;
      out.push(`  ${key(field.name)}${required ? '' : '?'}: ${fieldType(names, field)}${required ? '' : ' | undefined'};`);
    }
    out.push('}', '');
  }
  return out.join('\n');
}

/** `resources.pods`; on a clash the group's first label goes in front (`eventsEvents`), and an older version is named by its version (`horizontalpodautoscalersV1`). */
export function resourceKeys(resources) {
  const keys = new Map();
  for (const item of resources) {
    const same = resources.filter((other) => other.resource === item.resource);
    const preferred = same.filter((other) => other.group === same[0].group).at(-1);
    if (item === preferred) keys.set(item, camelPlural(item));
    else if (item.group === same[0].group) keys.set(item, `${camelPlural(item)}${capital(item.version)}`);
    else keys.set(item, `${item.group.split('.')[0]}${capital(camelPlural(item))}`);
  }
  return keys;
}

/** `PersistentVolumeClaim` and `persistentvolumeclaims` make `persistentVolumeClaims`. */
function camelPlural({ kind, resource }) {
  const head = /^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+$|^[A-Z]/.exec(kind)[0];
  const camel = head.toLowerCase() + kind.slice(head.length);
  let shared = 0;
  while (shared < camel.length && camel[shared].toLowerCase() === resource[shared]) shared++;
  return camel.slice(0, shared) + resource.slice(shared);
}

export function resourcesSource(resources, types) {
  const names = interfaceNames(types);
  const keys = resourceKeys(resources);
  const typeOf = (item) =>
    types.find((type) => type.short === item.kind && type.groupVersion === (item.group ? `${item.group}/${item.version}` : item.version));
  const used = [...new Set(resources.map((item) => names.get(typeOf(item).name)))].sort();
  const out = [
    '// Made by scripts/generate.mjs from packages/api/schema/resources.txt. Do not edit.',
    "import type { KubeObject, ResourceRef } from '../object.ts';",
    "import type { ResourceInfo } from '../resources.ts';",
    `import type { ${used.join(', ')} } from './types.ts';`,
    '',
    'function ref<T extends KubeObject>(group: string, version: string, resource: string, kind: string, namespaced: boolean): ResourceRef<T> {',
    '  return { group, version, resource, kind, namespaced };',
    '}',
    '',
    '/** One typed reference a GA resource. */',
    'export const resources = {',
    ...resources.map(
      (item) =>
        `  ${keys.get(item)}: ref<${names.get(typeOf(item).name)}>(${[item.group, item.version, item.resource, item.kind].map((part) => JSON.stringify(part)).join(', ')}, ${item.namespaced}),`,
    ),
    '} as const;',
    '',
    '/** Every GA resource with what discovery says about it, in discovery order. */',
    'export const builtinResources: readonly ResourceInfo[] = [',
    ...resources.map((item) => `  ${JSON.stringify(item)},`),
    '];',
    '',
  ];
  return out.join('\n');
}
