import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectlPath, runCommand } from './support/clients.ts';
import { bayplan, eventually, kernelState, leftSince, startBayplan } from './support/cluster.ts';
import type { RunningCommand } from './support/cluster.ts';

const missing = process.getuid?.() === 0 ? etcdMissing : 'needs root';
const ports = [26_443, 26_444] as const;

/** Two servers on one etcd, and an agent that joins with a token; each in a folder of its own, as on machines of their own. */
describe.skipIf(missing)(`servers on etcd and a joined agent${missing ? ` (${missing})` : ''}`, () => {
  let root: string;
  let etcd: Awaited<ReturnType<typeof startEtcd>>;
  let before: Awaited<ReturnType<typeof kernelState>>;
  const servers: RunningCommand[] = [];
  let agent: RunningCommand | undefined;
  const home = (name: string): string => path.join(root, name);
  const socket = (): string => path.join(root, 'run/cri.sock');
  const run = (args: readonly string[], name: string) =>
    runCommand(process.execPath, [bayplan, ...args], { env: { ...process.env, BAYPLAN_HOME: home(name) }, timeoutMs: 120_000 });
  const kubectl = async (server: number, args: readonly string[], input?: string): Promise<string> => {
    const result = await runCommand(
      kubectlPath('1.33'),
      ['--kubeconfig', path.join(home(`server-${server}`), 'kubeconfig'), '--cache-dir', home('cache'), ...args],
      input === undefined ? {} : { input },
    );
    if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };
  const startServer = (index: 0 | 1): RunningCommand =>
    startBayplan(['server', '--port', String(ports[index]), '--etcd-endpoints', etcd.endpoint], home(`server-${index}`));

  beforeAll(async () => {
    before = await kernelState();
    root = await mkdtemp(path.join(tmpdir(), 'bayplan-machines-'));
    etcd = await startEtcd();
    servers[0] = startServer(0);
    await eventually(() => kubectl(0, ['get', '--raw', '/readyz']));
  });

  afterAll(async () => {
    await agent?.stop();
    const down = await run(['down', '--purge', '--cri-socket', socket()], 'agent');
    for (const server of servers) await server.stop();
    await etcd.dispose();
    await rm(root, { recursive: true, force: true });
    expect(down.code, down.stderr).toBe(0);
    expect(await leftSince(before)).toEqual([]);
  });

  test('an agent joins with a token from the server and runs a pod', async () => {
    const token = await run(['token', 'create'], 'server-0');
    expect(token.stdout).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}\.[0-9a-f]{64}\n$/);
    const urls = ports.map((port) => `https://127.0.0.1:${port}`).join(',');
    agent = startBayplan(
      [
        'agent',
        '--server',
        urls,
        '--token',
        token.stdout.trim(),
        '--node-name',
        'joined',
        '--node-port',
        '26450',
        '--cri-socket',
        socket(),
      ],
      home('agent'),
    );
    await eventually(async () => expect(await kubectl(0, ['get', 'node', 'joined', '--no-headers'])).toContain(' Ready '));
    await kubectl(0, ['run', 'lost', '--image=127.0.0.1:1/none:v1']);
    await eventually(async () => expect(await kubectl(0, ['get', 'pod', 'lost', '--no-headers'])).toMatch(/ErrImagePull|ImagePullBackOff/));
    await kubectl(0, ['delete', 'pod', 'lost', '--grace-period=0', '--force']);
  });

  test('a second server needs only the bootstrap secret and the endpoints', async () => {
    await mkdir(path.join(home('server-1'), 'pki'), { recursive: true, mode: 0o700 });
    await copyFile(path.join(home('server-0'), 'pki/bootstrap-secret'), path.join(home('server-1'), 'pki/bootstrap-secret'));
    servers[1] = startServer(1);
    await eventually(() => kubectl(1, ['get', '--raw', '/readyz']));
    await kubectl(0, ['create', 'configmap', 'shared', '--from-literal=a=b']);
    expect(await kubectl(1, ['get', 'configmap', 'shared', '-o', 'jsonpath={.data.a}'])).toBe('b');
  });

  test('when the first server is killed, the agent and the objects go on with the second', async () => {
    await servers[0]?.stop('SIGKILL');
    expect(await kubectl(1, ['get', 'configmap', 'shared', '-o', 'jsonpath={.data.a}'])).toBe('b');
    const renewed = () => kubectl(1, ['get', 'lease', '-n', 'kube-node-lease', 'joined', '-o', 'jsonpath={.spec.renewTime}']);
    const seen = await renewed();
    await eventually(async () => expect(await renewed()).not.toBe(seen));
    await kubectl(1, ['create', 'deployment', 'later', '--image=127.0.0.1:1/none:v1']);
    await eventually(async () =>
      expect(await kubectl(1, ['get', 'pods', '-l', 'app=later', '-o', 'jsonpath={.items[0].spec.nodeName}'])).toBe('joined'),
    );
    await kubectl(1, ['delete', 'deployment', 'later']);
    await eventually(async () => expect(await kubectl(1, ['get', 'pods', '-o', 'name'])).toBe(''));
  });

  test('a token of another cluster is refused', async () => {
    const other = `abcdef.0123456789abcdef.${'0'.repeat(64)}`;
    const result = await run(
      ['agent', '--server', `https://127.0.0.1:${ports[1]}`, '--token', other, '--node-port', '26451', '--cri-socket', `${socket()}2`],
      'stranger',
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/belongs to another cluster than the token/);
  });
});
