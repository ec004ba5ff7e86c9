// Runs a benchmark of bench/: npm run bench -- NAME [--quick], or --list for the names.
// Progress goes to stderr; the last line on stdout is one JSON object.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './packages.mjs';

const args = process.argv.slice(2);
const notBenchmarks = new Set(['support.ts']);
const names = readdirSync(path.join(root, 'bench'))
  .filter((file) => file.endsWith('.ts') && !notBenchmarks.has(file))
  .map((file) => file.slice(0, -'.ts'.length));

/** Output of the tools goes to stderr, so that stdout carries the result alone. */
function run(file, rest, stdout) {
  const { status } = spawnSync(process.execPath, [file, ...rest], { cwd: root, stdio: ['inherit', stdout, 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

if (args.includes('--list')) {
  console.log(names.join('\n'));
  process.exit(0);
}
const [name] = args.filter((argument) => !argument.startsWith('--'));
const unknown = args.filter((argument) => argument.startsWith('--') && argument !== '--quick');
if (name === undefined || !names.includes(name) || unknown.length > 0) {
  if (unknown.length > 0) console.error(`Unknown flag ${unknown.join(' ')}.`);
  else if (name !== undefined) console.error(`There is no benchmark "${name}".`);
  console.error(`Usage: npm run bench -- NAME [--quick]\nNAME is one of: ${names.join(', ')}`);
  process.exit(2);
}

if (!existsSync(path.join(root, 'node_modules'))) {
  const { setUp } = await import('./set-up.mjs');
  await setUp();
}
run(path.join(root, 'scripts/build.mjs'), [], 2);
run(path.join(root, 'node_modules/typescript/bin/tsc'), ['-p', path.join(root, 'bench/tsconfig.json')], 2);
run(
  path.join(root, '.cache/bench', `${name}.js`),
  args.filter((argument) => argument === '--quick'),
  'inherit',
);
