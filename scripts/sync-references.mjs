// Writes each package's tsconfig.json from its manifest, so that project references never drift.
// With --check it changes nothing and exits 1 if a file is out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { allowedImports, declaredImports, disagreements, root } from './packages.mjs';

const checkOnly = process.argv.includes('--check');
const faults = disagreements();

function put(file, value) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (JSON.stringify(current && JSON.parse(current)) === JSON.stringify(value)) return;
  if (checkOnly) faults.push(`${path.relative(root, file)} is out of date: run node scripts/sync-references.mjs`);
  else writeFileSync(file, text);
}

const names = Object.keys(allowedImports);
for (const name of names) {
  put(path.join(root, 'packages', name, 'tsconfig.json'), {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['src'],
    // In the order of the table: npm sorts the manifest as it likes.
    references: names.filter((used) => declaredImports(name).includes(used)).map((used) => ({ path: `../${used}` })),
  });
}
put(path.join(root, 'tsconfig.json'), { files: [], references: names.map((name) => ({ path: `packages/${name}` })) });

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
