// Makes a fresh clone runnable: node packages and build, each only when something changed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './packages.mjs';

const stamp = path.join(root, '.cache/installed-lock');

function fail(message) {
  process.stderr.write(`bayplan: ${message}\n`);
  process.exit(1);
}

function run(what, command, args) {
  process.stderr.write(`  ${what} …\n`);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  fail(`${what} failed: see above`);
}

export async function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node.js ${process.versions.node} is too old: install 20.19 or newer`);
  const lock = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  const installed = existsSync(path.join(root, 'node_modules')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
  if (!installed) {
    // No install scripts: what is native here is prebuilt inside its package.
    run('Installing node packages', process.platform === 'win32' ? 'npm.cmd' : 'npm', [
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
    ]);
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, lock);
  }
  run('Building', process.execPath, [path.join(root, 'scripts/build.mjs')]);
}
