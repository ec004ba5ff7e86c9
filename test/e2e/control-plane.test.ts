import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { helmPath, runCommand } from './support/clients.ts';
import type { CommandResult } from './support/clients.ts';
import { createTestCluster, eventually } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

const newest = '1.35';
let cluster: TestCluster;

/** A Deployment as YAML, so that the client's own conversion is part of what is tested. */
const deployment = (name: string, image = 'example.test/app:v1', replicas = 2): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas.toString()}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: '${image}'}]}
`;

const run = async (...args: string[]): Promise<string> => (await cluster.kubectl(args)).trim();
const send = async (input: string, ...args: string[]): Promise<string> => (await cluster.kubectl([...args, '-f', '-'], { input })).trim();
/** What a call that must fail writes on stderr. */
async function refused(args: readonly string[], input?: string): Promise<string> {
  const result = await cluster.tryKubectl(args, input === undefined ? {} : { input });
  expect(result.code, result.stdout).toBe(1);
  return result.stderr.trim();
}

/** Simulated nodes need neither root nor containers. */
describe('a control plane', () => {
  beforeAll(async () => {
    cluster = await createTestCluster(['--hollow', '2', '--port', '26471', '--node-port', '26472']);
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster.remove());

  test('client-side apply creates, then changes nothing, then takes away', async () => {
    const map = (data: string): string => `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: ${data}}`;
    expect(await send(map('{a: "1", b: "2"}'), 'apply')).toBe('configmap/settings created');
    expect(await send(map('{a: "1", b: "2"}'), 'apply')).toBe('configmap/settings unchanged');
    expect(await send(map('{a: "3"}'), 'apply', '--dry-run=server')).toBe('configmap/settings configured (server dry run)');
    const diff = await cluster.tryKubectl(['diff', '-f', '-'], { input: map('{a: "1"}') });
    expect([diff.code, diff.stdout.includes('-  b: "2"')]).toEqual([1, true]);
    expect(await send(map('{a: "1"}'), 'apply')).toBe('configmap/settings configured');
    expect(await run('get', 'configmap', 'settings', '-o', 'jsonpath={.data}')).toBe('{"a":"1"}');
  });

  test('server-side apply knows who owns what', async () => {
    await send(deployment('owned'), 'apply', '--server-side');
    const other = deployment('owned', 'example.test/app:v2');
    const conflict = await refused(['apply', '--server-side', '--field-manager=other', '-f', '-'], other);
    expect(conflict).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.template.spec.containers[name="app"].image');
    expect(await send(other, 'apply', '--server-side', '--field-manager=other', '--force-conflicts')).toMatch(/serverside-applied$/);
  });

  test('a rollout goes forward and back', async () => {
    await send(deployment('rolled'), 'apply');
    await run('rollout', 'status', 'deployment/rolled', '--timeout=30s');
    await run('set', 'image', 'deployment/rolled', 'app=example.test/app:v2');
    await run('rollout', 'status', 'deployment/rolled', '--timeout=30s');
    expect(await run('rollout', 'history', 'deployment/rolled')).toMatch(/^1 .*\n2 /m);
    await run('rollout', 'undo', 'deployment/rolled');
    await run('rollout', 'restart', 'deployment/rolled');
    await run('scale', 'deployment/rolled', '--replicas=3');
    await run('rollout', 'status', 'deployment/rolled', '--timeout=30s');
    expect(await run('get', 'deployment', 'rolled', '-o', 'wide')).toMatch(
      /^rolled +3\/3 +3 +3 +\S+ +app +example\.test\/app:v1 +app=rolled$/m,
    );
    await run('delete', 'deployment', 'rolled', '--cascade=foreground', '--timeout=30s');
    expect(await run('get', 'replicasets,pods', '-l', 'app=rolled', '-o', 'name')).toBe('');
  });

  test('patches of all three types, and of subresources', async () => {
    await send(deployment('patched'), 'apply');
    const patch = (...args: string[]): Promise<string> => run('patch', 'deployment', 'patched', ...args);
    await patch('-p', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"example.test/side"}]}}}}');
    await patch('--type=merge', '-p', '{"metadata":{"labels":{"tier":"web"}}}');
    await patch(
      '--type=json',
      '-p',
      '[{"op":"test","path":"/metadata/labels/tier","value":"web"},{"op":"remove","path":"/metadata/labels/tier"}]',
    );
    await patch('--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":1}}');
    const shown = await run(
      'get',
      'deployment',
      'patched',
      '-o',
      'jsonpath={.spec.template.spec.containers[*].name} {.spec.replicas} {.metadata.labels}',
    );
    expect(shown).toBe('side app 1');
    expect(
      await refused(['patch', 'deployment', 'patched', '--type=merge', '-p', '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}']),
    ).toContain('spec.selector: Invalid value: {"matchLabels":{"app":"patched","x":"y"}}: field is immutable');
  });

  test('what is wrong with a manifest is said as Kubernetes says it', async () => {
    const typo = deployment('typo').replace('replicas:', 'replica:').replace("image: 'example", "imagePolicy: z, image: 'example");
    expect(await refused(['apply', '-f', '-'], typo)).toBe(
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica", unknown field "spec.template.spec.containers[0].imagePolicy"',
    );
    await send(deployment('typo'), 'apply');
    expect(await refused(['apply', '-f', '-'], typo)).toMatch(
      /^The request is invalid: patch: Invalid value: "map\[[^]*": strict decoding error: unknown field "spec\.template\.spec\.containers\[0\]\.imagePolicy", unknown field "spec\.replica"$/,
    );
    expect(await refused(['create', '-f', '-'], deployment('Bad_Name', '', -1))).toMatch(
      /^The Deployment "Bad_Name" is invalid: \n\* metadata\.name: Invalid value[^]*\n\* spec\.replicas: Invalid value: -1: must be greater than or equal to 0\n\* spec\.template\.spec\.containers\[0\]\.image: Required value$/,
    );
    expect(await refused(['get', 'deployments', '--field-selector', 'spec.replicas=1'])).toContain(
      '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect(await refused(['get', 'pods', '--as=nobody'])).toBe(
      'Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    await writeFile(path.join(cluster.home, 'large'), 'x'.repeat(1_100_000));
    expect(await refused(['create', 'configmap', 'large', `--from-file=${path.join(cluster.home, 'large')}`])).toBe(
      'error: failed to create configmap: ConfigMap "large" is invalid: []: Too long: may not be more than 1048576 bytes',
    );
  });

  test('replacing what has changed meanwhile is a conflict', async () => {
    await run('create', 'configmap', 'contended', '--from-literal=a=b');
    const seen = await run('get', 'configmap', 'contended', '-o', 'json');
    await run('label', 'configmap', 'contended', 'touched=yes');
    expect(await refused(['replace', '-f', '-'], seen)).toContain(
      'Operation cannot be fulfilled on configmaps "contended": the object has been modified; please apply your changes to the latest version and try again',
    );
    await Promise.all([1, 2, 3, 4].map((n) => run('patch', 'configmap', 'contended', '-p', `{"data":{"k${n.toString()}":"v"}}`)));
    expect(Object.keys(JSON.parse(await run('get', 'configmap', 'contended', '-o', 'jsonpath={.data}')) as object)).toHaveLength(5);
  });

  test('long lists come in chunks, watches as things happen', async () => {
    const items = Array.from({ length: 60 }, (_, n) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `bulk-${n.toString()}`, labels: { bulk: 'yes' } },
    }));
    await send(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'create');
    const listed = await cluster.tryKubectl(['get', 'configmaps', '-l', 'bulk=yes', '--chunk-size=20', '--no-headers', '-v=6']);
    expect(listed.stdout.trim().split('\n')).toHaveLength(60);
    expect(listed.stderr.match(/limit=20/g)?.length).toBeGreaterThanOrEqual(3);
    const watching = cluster.tryKubectl([
      'get',
      'configmaps',
      '-l',
      'bulk=yes',
      '--watch-only',
      '--output-watch-events',
      '--request-timeout=4s',
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await run('delete', 'configmap', 'bulk-7');
    expect((await watching).stdout).toMatch(/^DELETED +bulk-7 /m);
    await run('delete', '--raw', '/api/v1/namespaces/default/configmaps?labelSelector=bulk%3Dyes');
    expect(await run('get', 'configmaps', '-l', 'bulk=yes', '-o', 'name')).toBe('');
  });

  test('namespaces end once finalizers let go, and dependents follow their owner', async () => {
    await run('create', 'namespace', 'ending');
    const stuck = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'stuck', finalizers: ['example.test/hold'] } };
    await send(JSON.stringify(stuck), 'create', '-n', 'ending');
    const { metadata } = JSON.parse(await run('create', 'configmap', 'owner', '-o', 'json')) as { metadata: { uid: string } };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid }];
    await send(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned', ownerReferences } }), 'create');
    await run('delete', 'configmap', 'owner');
    await run('delete', 'namespace', 'ending', '--wait=false');
    await run('wait', 'namespace/ending', '--for=jsonpath={.status.phase}=Terminating', '--timeout=10s');
    expect(await refused(['create', 'configmap', 'late', '-n', 'ending'])).toContain('because it is being terminated');
    await run('patch', 'configmap', 'stuck', '-n', 'ending', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await run('wait', 'namespace/ending', '--for=delete', '--timeout=20s');
    await run('wait', 'configmap/owned', '--for=delete', '--timeout=20s');
  });

  test('a node is drained and comes back', async () => {
    await send(deployment('drained', undefined, 4), 'apply');
    await run('rollout', 'status', 'deployment/drained', '--timeout=30s');
    await run('drain', 'hollow-0', '--force', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=30s');
    expect(await run('get', 'nodes', 'hollow-0', '--no-headers')).toContain('Ready,SchedulingDisabled');
    expect(await run('get', 'pods', '--field-selector=spec.nodeName=hollow-0', '-o', 'name')).toBe('');
    await run('uncordon', 'hollow-0');
    await run('rollout', 'status', 'deployment/drained', '--timeout=30s');
  });

  test('an approved request becomes a certificate that opens the door', async () => {
    const at = (name: string): string => path.join(cluster.home, name);
    const made = await runCommand('openssl', [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('user.key'),
      '-subj',
      '/CN=alice/O=devs',
      '-out',
      at('user.csr'),
    ]);
    expect(made.code, made.stderr).toBe(0);
    const request = (await readFile(at('user.csr'))).toString('base64');
    const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
    await send(
      JSON.stringify({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'alice' }, spec }),
      'create',
    );
    await run('certificate', 'approve', 'alice');
    const issued = await eventually(async () => {
      const certificate = await run('get', 'csr', 'alice', '-o', 'jsonpath={.status.certificate}');
      expect(certificate).not.toBe('');
      return certificate;
    }, 10_000);
    await writeFile(at('user.crt'), Buffer.from(issued, 'base64'));
    await run('config', 'set-credentials', 'alice', `--client-certificate=${at('user.crt')}`, `--client-key=${at('user.key')}`);
    expect(await run('auth', 'whoami', '--user=alice')).toMatch(/^Username +alice\nGroups +\[devs system:authenticated\]$/m);
    await run('create', 'rolebinding', 'alice', '--clusterrole=view', '--user=alice');
    expect(await run('auth', 'can-i', 'list', 'pods', '--user=alice')).toBe('yes');
    expect(await refused(['get', 'secrets', '--user=alice'])).toContain('User "alice" cannot list resource "secrets"');
  });

  test.each(['1.27', newest] as const)('kubectl %s finds and explains what is served', async (version) => {
    const ask = (...args: string[]): Promise<string> => cluster.kubectl(args, { version });
    const names = (await ask('api-resources', '-o', 'name')).trim().split('\n');
    expect(names).toEqual(expect.arrayContaining(['pods', 'deployments.apps', 'leases.coordination.k8s.io', 'cronjobs.batch']));
    expect(await ask('explain', 'deployment.spec.strategy', '--recursive')).toMatch(
      /rollingUpdate\s+<RollingUpdateDeployment>\n\s+maxSurge\s+<IntOrString>/,
    );
    expect(await ask('create', 'deployment', 'seen', '--image=example.test/x', '--dry-run=server', '-o', 'name')).toBe(
      'deployment.apps/seen\n',
    );
    expect(await ask('get', 'all')).toContain('service/kubernetes');
    expect(await ask('get', '--raw', '/readyz?verbose')).toContain('readyz check passed');
  });

  test.each(['1.27', newest] as const)('the helm beside kubectl %s installs, upgrades, rolls back and removes', async (version) => {
    const chart = path.join(cluster.home, 'chart');
    await mkdir(path.join(chart, 'templates'), { recursive: true });
    await writeFile(path.join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 0.1.0\n');
    await writeFile(
      path.join(chart, 'templates/app.yaml'),
      deployment('{{ .Release.Name }}').replace('replicas: 2', 'replicas: {{ .Values.replicas | default 1 }}'),
    );
    const env = {
      ...process.env,
      KUBECONFIG: cluster.kubeconfig,
      HELM_CACHE_HOME: cluster.home,
      HELM_CONFIG_HOME: cluster.home,
      HELM_DATA_HOME: cluster.home,
    };
    const helm = async (...args: string[]): Promise<CommandResult> => {
      const result = await runCommand(helmPath(version), [...args, '-n', 'charts'], { env });
      expect(result.code, result.stderr).toBe(0);
      return result;
    };
    await helm('install', 'app', chart, '--create-namespace', '--wait', '--timeout=30s');
    await helm('upgrade', 'app', chart, '--set=replicas=2', '--wait', '--timeout=30s');
    expect(await run('get', 'deployment', 'app', '-n', 'charts', '-o', 'jsonpath={.status.readyReplicas}')).toBe('2');
    await helm('rollback', 'app', '1', '--wait', '--timeout=30s');
    expect((await helm('list')).stdout).toMatch(/^app\s+charts\s+3\s.*deployed/m);
    await helm('uninstall', 'app', '--wait', '--timeout=30s');
    expect(await run('get', 'deployments', '-n', 'charts', '-o', 'name')).toBe('');
  });
});
