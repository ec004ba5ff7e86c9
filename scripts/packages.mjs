// The packages of this repository and the one direction of imports between them. The table is
// read by the build (project references), the linter (import rules) and `check-packages`.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** For each package, the packages that its `src` may import. A new edge wants an ADR. */
export const allowedImports = {
  api: [],
  cel: ['api'],
  'component-base': ['api'],
  store: ['api', 'component-base'],
  client: ['api', 'component-base'],
  rpc: ['component-base'],
  streaming: ['component-base'],
  apiserver: ['api', 'cel', 'component-base', 'store', 'client', 'streaming'],
  controllers: ['api', 'component-base', 'client'],
  scheduler: ['api', 'component-base', 'client'],
  network: ['api', 'component-base', 'client'],
  nodeagent: ['api', 'component-base', 'client', 'rpc', 'streaming'],
  'pod-network': ['component-base'],
  'runtime-shim': ['component-base', 'rpc', 'streaming', 'pod-network'],
  simulator: [
    'api',
    'cel',
    'component-base',
    'store',
    'client',
    'rpc',
    'streaming',
    'apiserver',
    'controllers',
    'scheduler',
    'network',
    'nodeagent',
  ],
  cli: [
    'api',
    'cel',
    'component-base',
    'store',
    'client',
    'rpc',
    'streaming',
    'apiserver',
    'controllers',
    'scheduler',
    'network',
    'nodeagent',
    'pod-network',
    'runtime-shim',
    'simulator',
  ],
};

export function readManifest(name) {
  return JSON.parse(readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8'));
}

/** The workspace packages that `name` declares as dependencies, by short name. */
export function declaredImports(name) {
  return Object.keys(readManifest(name).dependencies ?? {})
    .filter((dependency) => dependency.startsWith('@bayplan/'))
    .map((dependency) => dependency.slice('@bayplan/'.length));
}

/** Every disagreement between the table, the folders and the manifests, as sentences. */
export function disagreements() {
  const found = [];
  const folders = readdirSync(path.join(root, 'packages'));
  for (const folder of folders) if (!(folder in allowedImports)) found.push(`packages/${folder} is missing from scripts/packages.mjs`);
  for (const [name, allowed] of Object.entries(allowedImports)) {
    if (!folders.includes(name)) found.push(`packages/${name} does not exist`);
    else
      for (const used of declaredImports(name))
        if (!allowed.includes(used)) found.push(`${name} depends on ${used}, which the table does not allow`);
  }
  return found;
}
