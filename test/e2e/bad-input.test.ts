import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestCluster } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await createTestCluster();
});
afterEach(() => rm(cluster.home, { recursive: true, force: true }));

function expectOneLine(result: { code: number; stderr: string }, code: number, pattern: RegExp): void {
  const lines = result.stderr
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('bayplan: ') || line.startsWith('error: '));
  expect(lines, result.stderr).toHaveLength(1);
  expect(lines[0]).toMatch(pattern);
  expect(result.code).toBe(code);
}

test('a wrong flag says what is wrong', async () => {
  expectOneLine(await cluster.up('--port', 'many'), 2, /expected a whole number from 1 to 65535/);
  expectOneLine(await cluster.up('--no-such-flag'), 2, /unknown option '--no-such-flag'/);
  expectOneLine(await cluster.up('--service-cidr', '10.0.0.0'), 2, /expected an IPv4 range/);
  expectOneLine(await cluster.up('--etcd-prefix', '/x'), 2, /--etcd-endpoints/);
});

test('a busy port is named, with the flag that changes it', async () => {
  const blocker = createServer().listen(0, '0.0.0.0');
  await new Promise((resolve) => blocker.once('listening', resolve));
  const { port } = blocker.address() as AddressInfo;
  try {
    expectOneLine(
      await cluster.up('--hollow', '1', '--port', String(port)),
      1,
      new RegExp(`port ${port} cannot be used \\(EADDRINUSE\\).*--port`),
    );
  } finally {
    blocker.close();
  }
});

test('a damaged data folder is refused and left as it is', async () => {
  await mkdir(path.join(cluster.home, 'store'), { recursive: true });
  await writeFile(path.join(cluster.home, 'store/data.mdb'), Buffer.alloc(16_384, 0x5a));
  const result = await cluster.up('--hollow', '1', '--port', '26443');
  expectOneLine(result, 1, /store/);
});

test('commands without a cluster say so', async () => {
  expectOneLine(await cluster.bayplan('kubeconfig'), 1, /does not exist: start a cluster/);
  expectOneLine(await cluster.bayplan('token', 'create'), 1, /kubeconfig/);
  expectOneLine(await cluster.bayplan('image', 'ls', '--cri-socket', path.join(cluster.home, 'none.sock')), 1, /nothing listens on/);
  expectOneLine(
    await cluster.bayplan('agent', '--server', 'https://127.0.0.1:1', '--token', 'short'),
    process.getuid?.() === 0 ? 2 : 1,
    /token|root/,
  );
});
