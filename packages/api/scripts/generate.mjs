// Writes packages/api/src/generated from the tables in packages/api/schema and, for descriptions,
// from @kubernetes/client-node. Does nothing when the inputs are unchanged.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readResources, readTypes } from './read-schema.mjs';
import { descriptionsSource } from './write-descriptions.mjs';
import { tableSource } from './write-table.mjs';
import { resourcesSource, typesSource } from './write-types.mjs';

const home = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const schema = path.join(home, 'schema');
const target = path.join(home, 'src/generated');

function inputHash() {
  const hash = createHash('sha256');
  for (const folder of [schema, path.join(home, 'scripts')]) {
    for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(path.join(folder, file)));
  }
  hash.update(readFileSync(path.resolve(home, '../../package.json')));
  return hash.digest('hex');
}

const stamp = path.join(target, '.stamp');
const hash = inputHash();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
  mkdirSync(target, { recursive: true });
  const { types, enums } = readTypes(schema);
  const resources = readResources(path.join(schema, 'resources.txt'));
  const outputs = {
    'types.ts': typesSource(types),
    'resources.ts': resourcesSource(resources, types),
    'type-table.ts': tableSource(types, enums),
    'descriptions.ts': descriptionsSource(types),
  };
  for (const [file, text] of Object.entries(outputs)) writeFileSync(path.join(target, file), text);
  writeFileSync(stamp, hash);
}
