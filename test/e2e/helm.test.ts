import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeChart } from './support/chart.ts';
import { helmPath, runCommand } from './support/clients.ts';
import type { CommandResult } from './support/clients.ts';
import { createTestCluster } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

let cluster: TestCluster;
let chart: string;

/** Helm 3 of two years and Helm 4, by the kubectl that each comes with. */
const helms = [
  ['3.12', '1.27'],
  ['3.17', '1.31'],
  ['4', '1.35'],
] as const;

describe('a release', () => {
  beforeAll(async () => {
    cluster = await createTestCluster(['--hollow', '2', '--port', '26493', '--node-port', '26494']);
    chart = await writeChart(path.join(cluster.home, 'chart'));
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster.remove());

  test.each(helms)('of helm %s is installed, upgraded, broken and mended, tested and taken away', async (version, kubectl) => {
    const namespace = `shop-${version.replace('.', '-')}`;
    const home = path.join(cluster.home, `helm-${version}`);
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    const tryHelm = (...args: string[]): Promise<CommandResult> =>
      runCommand(helmPath(kubectl), [...args, '-n', namespace], { env, timeoutMs: 120_000 });
    const helm = async (...args: string[]): Promise<string> => {
      const result = await tryHelm(...args);
      expect(result.code, `helm ${args.join(' ')}\n${result.stderr}`).toBe(0);
      return result.stdout;
    };
    const show = async (...args: string[]): Promise<string> => (await cluster.kubectl(['-n', namespace, ...args])).trim();
    const atomic = version === '4' ? '--rollback-on-failure' : '--atomic';

    const installed = await helm('install', 'shop', chart, '--create-namespace', '--wait', '--wait-for-jobs', '--timeout=60s');
    expect(installed).toMatch(/STATUS: deployed[^]*Installed shop on Kubernetes v1\.36/);
    expect(await show('get', 'orders', '--no-headers')).toMatch(/^shop-first +2$/);
    expect(await show('get', 'order', 'shop-first', '-o', 'jsonpath={.spec.currency}')).toBe('EUR');
    expect(await show('get', 'jobs', '-o', 'name')).toBe('');
    const password = await show('get', 'secret', 'shop-secret', '-o', 'jsonpath={.data.password}');

    // Before 3.13 a dry run could not ask the server.
    if (version === '3.12') await helm('upgrade', 'shop', chart, '--set=replicas=3', '--dry-run');
    else expect(await helm('upgrade', 'shop', chart, '--set=replicas=3', '--dry-run=server')).toContain(`password: ${password}`);
    expect(await show('get', 'deployment', 'shop', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
    await helm('upgrade', '--install', 'shop', chart, '--set=replicas=3,image=example.test/shop:v2', '--wait', '--timeout=60s');
    expect(
      await show('get', 'deployment', 'shop', '-o', 'jsonpath={.status.readyReplicas} {.spec.template.spec.containers[0].image}'),
    ).toBe('3 example.test/shop:v2');
    expect(await show('get', 'order', 'shop-first', '-o', 'jsonpath={.spec.amount}')).toBe('3');
    expect(await show('get', 'secret', 'shop-secret', '-o', 'jsonpath={.data.password}')).toBe(password);

    const broken = await tryHelm('upgrade', 'shop', chart, '--set=broken=true,replicas=1', atomic, '--wait', '--timeout=5s');
    expect(broken.code, broken.stdout).toBe(1);
    expect(await show('get', 'deployment', 'shop', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.nodeSelector}')).toBe('3');
    const invalid = await tryHelm('upgrade', 'shop', chart, '--set=replicas=-1');
    expect(invalid.stderr).toContain('spec.replicas: Invalid value: -1: must be greater than or equal to 0');

    await helm('rollback', 'shop', '1', '--wait', '--timeout=60s');
    expect(await show('get', 'deployment', 'shop', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}')).toBe(
      '2 example.test/shop:v1',
    );
    expect(await helm('test', 'shop', '--timeout=30s')).toMatch(/Phase: +Succeeded/);
    expect(await helm('history', 'shop')).toMatch(/Rollback to 1/);
    await helm('uninstall', 'shop', '--wait', '--timeout=60s');
    expect(await show('get', 'deployments,services,ingresses,pdb,orders,secrets', '-o', 'name')).toBe('');
    expect(await show('get', 'crd', 'orders.shop.example.test', '-o', 'name')).not.toBe('');
  });
});
