// Builds the whole repository: generated sources first, then `tsc -b`.
// Each package that generates code has a `scripts/generate.mjs`; it must be quick when nothing changed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { allowedImports, root } from './packages.mjs';

function run(file, args) {
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run(path.join(root, 'scripts/sync-references.mjs'), ['--check']);
for (const name of Object.keys(allowedImports)) {
  const generate = path.join(root, 'packages', name, 'scripts/generate.mjs');
  if (existsSync(generate)) run(generate, []);
}
if (!process.argv.includes('--generate-only')) run(path.join(root, 'node_modules/typescript/bin/tsc'), ['-b', ...process.argv.slice(2)]);
