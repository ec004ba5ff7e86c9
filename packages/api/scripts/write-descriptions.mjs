// The descriptions that OpenAPI and `kubectl explain` show, from the doc comments of @kubernetes/client-node.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const models = path.join(path.dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node/package.json')), 'dist/gen/models');
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function modelFile(type) {
  const [group, version] = type.package.split('.').slice(-2);
  const names = [`${capital(group)}${capital(version)}${type.short}`, `${capital(version)}${type.short}`, type.short];
  return names.map((name) => path.join(models, `${name}.d.ts`)).find((file) => existsSync(file));
}

/** client-node renames what is no TypeScript identifier. */
const jsonName = (name) => (name === 'ref' || name === 'schema' ? `$${name}` : name.replace(/^_/, '').replaceAll('_', '-'));

function clean(comment) {
  return comment
    .replace(/^\s*\*\s?/gm, '')
    .replaceAll(/\\(['"])/g, '$1')
    .replaceAll('*\\/', '*/')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
}

/** `{ [type]: { '': text of the type, [field]: text } }`, compressed and as base64: a quarter of the size, and unpacked only on demand. */
export function descriptionsSource(types) {
  const all = {};
  for (const type of types) {
    const file = modelFile(type);
    if (!file) continue;
    const text = readFileSync(file, 'utf8');
    const entry = { '': clean(/\/\*\*\n((?:(?!\*\/)[^])*)\*\/\s*export declare class/.exec(text)?.[1] ?? '') };
    const known = new Set(type.fields.map((field) => field.name));
    for (const [, comment, name] of text.matchAll(/\/\*\*\n((?:(?!\*\/)[^])*)\*\/\s*'([^']+)'\??:/g)) {
      entry[known.has(name) ? name : jsonName(name)] = clean(comment);
    }
    // Fields of an inlined struct are described where they are seen, which client-node does for us.
    all[type.name] = entry;
  }
  const packed = gzipSync(JSON.stringify(all), { level: 9 }).toString('base64');
  return `// Made by scripts/generate.mjs from @kubernetes/client-node. Do not edit.\nexport const packedDescriptions: string = '${packed}';\n`;
}
