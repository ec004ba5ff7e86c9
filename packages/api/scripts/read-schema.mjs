// Reads the committed tables of packages/api/schema. Their form is described in schema/README.md.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Type references of the tables that are no type of their own: shorthands for scalars and free-form values. */
export const scalars = new Set([
  'string',
  'bool',
  'int32',
  'int64',
  'float64',
  'bytes',
  'quantity',
  'intOrString',
  'time',
  'microTime',
  'raw',
  'any',
  'json',
  'fieldsV1',
  'jsonOrArray',
  'jsonOrBool',
  'jsonOrStringArray',
]);

function packageOfShortName(packages, short) {
  const suffix = `.${short}`;
  const found = packages.find((name) => name.endsWith(suffix));
  if (!found) throw new Error(`no package ends with ${suffix}`);
  return found;
}

/** Splits `*[]{}core.v1.Pod` into its prefix and base, and makes the base a full type name. */
export function resolveType(packages, current, text) {
  const [, prefix, base] = /^((?:\*|\[\]|\{\})*)(.+)$/.exec(text);
  if (scalars.has(base)) return { prefix, base };
  const dot = base.lastIndexOf('.');
  return { prefix, base: dot < 0 ? `${current}.${base}` : `${packageOfShortName(packages, base.slice(0, dot))}.${base.slice(dot + 1)}` };
}

/** The values of an `enum` line: words, or JSON strings where a value has blanks or is empty. */
function enumValues(line) {
  const [, rest] = /^enum \S+ (?:published )?(.*)$/.exec(line);
  return (rest.match(/"[^"]*"|\S+/g) ?? []).map((word) => (word.startsWith('"') ? JSON.parse(word) : word));
}

/** All types in file order: `{name, package, groupVersion, kind, atomic, fields: [{name, number, prefix, base, optional, flags, attributes, line}]}`. */
export function readTypes(folder) {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.txt') && file !== 'resources.txt')
    .sort();
  const texts = files.map((file) => readFileSync(path.join(folder, file), 'utf8'));
  const packages = texts.map((text) => /^package (\S+)/.exec(text)[1]);
  const types = [];
  const enums = [];
  for (const text of texts) {
    const [, packageName, groupVersion] = /^package (\S+) (\S+)/.exec(text);
    let type;
    for (const line of text.split('\n').slice(1)) {
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('enum '))
        enums.push({
          name: `${packageName}.${line.split(' ')[1]}`,
          values: enumValues(line),
          published: line.split(' ')[2] === 'published',
        });
      else if (!line.startsWith(' ')) {
        const [name, ...flags] = line.split(' ');
        type = {
          name: `${packageName}.${name}`,
          short: name,
          package: packageName,
          groupVersion,
          kind: flags.includes('kind'),
          atomic: flags.includes('atomic'),
          fields: [],
        };
        types.push(type);
      } else {
        const [name, number, reference, ...rest] = line.trim().split(' ');
        const flags = rest.find((part) => /^[?ez]+$/.test(part)) ?? '';
        const attributes = rest.filter((part) => part.includes('='));
        type.fields.push({
          name,
          number,
          ...resolveType(packages, packageName, reference),
          optional: flags.includes('?'),
          flags,
          attributes,
        });
      }
    }
  }
  return { types, enums };
}

/** The GA resources of resources.txt. */
export function readResources(file) {
  const resources = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const parts = line.trim().split(' ');
    const attribute = (name) =>
      parts
        .find((part) => part.startsWith(`${name}=`))
        ?.slice(name.length + 1)
        .split(',') ?? [];
    if (line.startsWith(' ')) {
      const [name, verbs, reference] = parts;
      const dot = reference.lastIndexOf('.');
      const [group, version] = splitGroupVersion(reference.slice(0, dot));
      resources.at(-1).subresources.push({
        name,
        group,
        version,
        kind: reference.slice(dot + 1),
        verbs: verbs.split(','),
        connect: attribute('connect'),
      });
    } else {
      const [groupVersion, resource, kind, scope, verbs] = parts;
      const [group, version] = splitGroupVersion(groupVersion);
      resources.push({
        group,
        version,
        resource,
        kind,
        namespaced: scope === 'namespaced',
        singular: kind.toLowerCase(),
        verbs: verbs.split(','),
        shortNames: attribute('short'),
        categories: attribute('categories'),
        subresources: [],
      });
    }
  }
  return resources;
}

export function splitGroupVersion(text) {
  const slash = text.indexOf('/');
  return slash < 0 ? ['', text] : [text.slice(0, slash), text.slice(slash + 1)];
}
