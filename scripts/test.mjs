// `npm test`: sets everything up, then runs type check, lint, unit, integration and e2e tests.
// `--full` adds what is too long for every change. The last line is `N passed, N failed, N skipped`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './packages.mjs';
import { setUp } from './set-up.mjs';

const full = process.argv.includes('--full');
const cache = path.join(root, '.cache');
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Programs that tests start, and the Debian package of each. */
const testPrograms = { etcd: 'etcd-server', 'docker-registry': 'docker-registry', unzip: 'unzip', strace: 'strace', busybox: 'busybox' };
const nodePrograms = {
  runc: 'runc',
  conmon: 'conmon',
  nft: 'nftables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  socat: 'socat',
  zstd: 'zstd',
  setfattr: 'attr',
};

function has(program) {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${program}`]).status === 0;
}

function installPrograms() {
  const missing = Object.entries({ ...testPrograms, ...nodePrograms }).filter(([program]) => !has(program));
  if (spawnSync('/usr/bin/python3', ['-c', 'import kubernetes']).status !== 0) missing.push(['python3-kubernetes', 'python3-kubernetes']);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    process.stderr.write(`  Missing: ${missing.map(([program]) => program).join(', ')}; tests that need them are skipped\n`);
    return;
  }
  const packages = missing.map(([, name]) => name);
  process.stderr.write(`  Installing packages: ${packages.join(' ')} …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The services that packages would start are not wanted: the tests start their own.
  const policy = '/usr/sbin/policy-rc.d';
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    spawnSync('apt-get', ['update', '-q'], { env, stdio: 'ignore' });
    const { status, stderr } = spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) process.stderr.write(`${stderr}\n  Some packages could not be installed; tests that need them are skipped\n`);
  } finally {
    if (ownPolicy) rmSync(policy);
  }
}

function run(args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function check(name, args) {
  process.stderr.write(`\n== ${name}\n`);
  if ((await run(args)) === 0) counts.passed += 1;
  else {
    counts.failed += 1;
    process.stderr.write(`${name} failed\n`);
  }
}

async function suite(project) {
  process.stderr.write(`\n== ${project} tests\n`);
  const report = path.join(cache, `test-${project}.json`);
  rmSync(report, { force: true });
  const code = await run(
    ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    {
      env: { ...process.env, BAYPLAN_TEST_FULL: full ? '1' : '' },
    },
  );
  const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
  if (result === undefined) counts.failed += 1;
  else {
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    // A file that could not be loaded, or a hook that failed, has no failed test of its own.
    if (code !== 0 && result.numFailedTests === 0) counts.failed += 1;
  }
}

mkdirSync(cache, { recursive: true });
installPrograms();
await setUp();
await check('type check', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json']);
await check('lint', ['node_modules/eslint/bin/eslint.js', '.']);
await check('format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']);
for (const project of ['unit', 'integration', 'e2e']) await suite(project);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;
