import { etcdMissing, startEtcd } from '@bayplan/store/testing';
import type { EtcdServer } from '@bayplan/store/testing';
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientVersions, kubectlPath, runCommand } from './support/clients.ts';
import { createTestCluster, eventually, kernelState, leftSince } from './support/cluster.ts';
import type { TestCluster } from './support/cluster.ts';

const isRoot = process.getuid?.() === 0;
const full = process.env['BAYPLAN_TEST_FULL'] === '1';
const stores = full && etcdMissing === undefined ? (['embedded', 'etcd'] as const) : (['embedded'] as const);

function httpGet(host: string, port = 80): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, timeout: 10_000, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no end of the answer within 10 s')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe.skipIf(!isRoot).each(stores)('a one-node cluster on the %s store (needs root)', (store) => {
  let cluster: TestCluster;
  let etcd: EtcdServer | undefined;
  let before: Awaited<ReturnType<typeof kernelState>>;

  beforeAll(async () => {
    before = await kernelState();
    if (store === 'etcd') etcd = await startEtcd();
    cluster = await createTestCluster(etcd === undefined ? [] : ['--etcd-endpoints', etcd.endpoint]);
    const { code, stderr, stdout } = await cluster.up();
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    expect(stdout).toContain(cluster.kubeconfig);
  });

  afterAll(async () => {
    await cluster.remove();
    await etcd?.dispose();
    expect(await leftSince(before)).toEqual([]);
  });

  test('the quickstart answers through its Service address', async () => {
    const address = await cluster.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
    expect(await httpGet(address)).toMatch(/^web web-\S+: greeter says: Hello from greeter-/);
  });

  test('a Service answers by DNS name from another pod', async () => {
    const looked = await cluster.kubectl(['exec', 'deployment/web', '--', 'nslookup', '-type=a', 'greeter.default.svc.cluster.local']);
    const address = await cluster.kubectl(['get', 'service', 'greeter', '-o', 'jsonpath={.spec.clusterIP}']);
    expect(looked).toContain(address);
    const asked = await cluster.kubectl(['exec', 'deployment/web', '--', 'wget', '-q', '-O', '-', `http://${address}/`]);
    expect(asked).toMatch(/^Hello from greeter-/);
  });

  test('a pod reaches the API with its token', async () => {
    await cluster.kubectl(['create', 'clusterrolebinding', 'viewers', '--clusterrole=view', '--serviceaccount=default:default']);
    const script =
      'cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo " $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"; ls /var/run/secrets/kubernetes.io/serviceaccount';
    const seen = await cluster.kubectl(['exec', 'deployment/web', '--', 'sh', '-c', script]);
    expect(seen).toMatch(/^default 10\.96\.0\.1:443\nca\.crt\nnamespace\ntoken/);
  });

  describe.each(clientVersions)('kubectl %s', (version) => {
    const name = `app-${version.replace('.', '-')}`;
    const kubectl = (args: readonly string[], input?: string) =>
      cluster.kubectl(args, { version, ...(input === undefined ? {} : { input }) });

    test('applies, scales, watches the rollout, reads and deletes', async () => {
      const manifest = JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: 'default' },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [
                {
                  name: 'main',
                  image: 'bayplan.local/quickstart:v1',
                  command: ['sh', '-c', 'i=0; while true; do echo line $i; i=$((i+1)); sleep 1; done'],
                },
              ],
            },
          },
        },
      });
      expect(await kubectl(['apply', '-f', '-'], manifest)).toBe(`deployment.apps/${name} created\n`);
      expect(await kubectl(['apply', '-f', '-'], manifest)).toBe(`deployment.apps/${name} unchanged\n`);
      expect(await kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=60s'])).toContain('successfully rolled out');
      expect(await kubectl(['scale', `deployment/${name}`, '--replicas=2'])).toBe(`deployment.apps/${name} scaled\n`);
      await kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=60s']);
      const pods = await kubectl(['get', 'pods', '-l', `app=${name}`, '-o', 'wide']);
      expect(pods.split('\n')[0]).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/);
      expect(pods.match(/1\/1 +Running +0 /g)).toHaveLength(2);
      const described = await kubectl(['describe', 'pods', '-l', `app=${name}`]);
      expect(described).toContain('Successfully assigned default/');
      expect(described).toContain('Started');
      expect(await kubectl(['exec', `deployment/${name}`, '--', 'echo', 'from', 'inside'])).toBe('from inside\n');
      expect(await kubectl(['exec', '-i', `deployment/${name}`, '--', 'cat'], 'through stdin\n')).toBe('through stdin\n');
      const typed = `${kubectlPath(version)} --kubeconfig ${cluster.kubeconfig} exec -it deployment/${name} -- sh -c 'sleep 1; test -t 0 && stty size && echo on a terminal'`;
      const onTerminal = await runCommand('script', ['-qec', typed, '/dev/null']);
      expect(onTerminal.stdout).toMatch(/\d+ \d+\r\non a terminal\r\n/);
      const failed = await cluster.tryKubectl(['exec', `deployment/${name}`, '--', 'sh', '-c', 'exit 7'], { version });
      expect(failed.code).toBe(7);
      expect(await kubectl(['logs', `deployment/${name}`, '--tail=1'])).toMatch(/^line \d+\n$/);
      const followed = await cluster.tryKubectl(['logs', '-f', `deployment/${name}`, '--tail=0'], { version, timeoutMs: 4_000 });
      expect(followed.stdout).toMatch(/^line \d+\nline \d+\n/);
      expect(await kubectl(['delete', 'deployment', name])).toMatch(new RegExp(`^deployment.apps "${name}" deleted`));
      await eventually(async () => expect(await kubectl(['get', 'pods', '-l', `app=${name}`, '-o', 'name'])).toBe(''));
    });
  });

  test.each(clientVersions)('kubectl %s forwards a port', async (version) => {
    const forward = spawn(kubectlPath(version), ['--kubeconfig', cluster.kubeconfig, 'port-forward', 'deployment/greeter', ':8080'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const port = await new Promise<number>((resolve, reject) => {
        let text = '';
        forward.stdout.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          const found = /127\.0\.0\.1:(\d+) ->/.exec(text);
          if (found) resolve(Number(found[1]));
        });
        forward.once('exit', (code) => reject(new Error(`port-forward ended with ${code ?? 'a signal'}`)));
      });
      for (let round = 0; round < 3; round++) expect(await httpGet('127.0.0.1', port)).toMatch(/^Hello from greeter-/);
    } finally {
      forward.kill();
    }
  });

  test('workloads of every kind run in containers', async () => {
    const container = (script: string): string =>
      `{name: main, image: 'bayplan.local/quickstart:v1', command: [sh, -c, ${JSON.stringify(script)}]}`;
    const stay = container('echo $(hostname) >> /data/names; exec sleep 3600').replace(
      /}$/,
      ', volumeMounts: [{name: data, mountPath: /data}]}',
    );
    const manifest = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  replicas: 2
  serviceName: store
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {terminationGracePeriodSeconds: 0, containers: [${stay}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere}
spec:
  selector: {matchLabels: {app: everywhere}}
  template:
    metadata: {labels: {app: everywhere}}
    spec: {terminationGracePeriodSeconds: 0, containers: [${container('exec sleep 3600')}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  timeZone: Europe/Berlin
  jobTemplate:
    spec:
      completions: 2
      parallelism: 2
      completionMode: Indexed
      template: {spec: {restartPolicy: Never, containers: [${container('echo I am $JOB_COMPLETION_INDEX on $(hostname)')}]}}
`;
    await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
    await cluster.kubectl(['create', 'job', 'once', '--from=cronjob/nightly']);
    await cluster.kubectl(['rollout', 'status', 'statefulset/store', '--timeout=60s'], { timeoutMs: 70_000 });
    await cluster.kubectl(['rollout', 'status', 'daemonset/everywhere', '--timeout=60s'], { timeoutMs: 70_000 });
    await cluster.kubectl(['wait', 'job/once', '--for=condition=complete', '--timeout=60s'], { timeoutMs: 70_000 });
    const logs = await cluster.kubectl(['logs', '-l', 'job-name=once', '--prefix=false']);
    expect(logs.trim().split('\n').sort()).toEqual(['I am 0 on once-0', 'I am 1 on once-1']);
    // The pod comes back under its name, with its data.
    await cluster.kubectl(['delete', 'pod', 'store-1']);
    await cluster.kubectl(['rollout', 'status', 'statefulset/store', '--timeout=60s'], { timeoutMs: 70_000 });
    await eventually(async () => expect(await cluster.kubectl(['exec', 'store-1', '--', 'cat', '/data/names'])).toBe('store-1\nstore-1\n'));
    await cluster.kubectl(
      ['delete', 'statefulset/store', 'daemonset/everywhere', 'cronjob/nightly', '--cascade=foreground', '--timeout=60s'],
      {
        timeoutMs: 70_000,
      },
    );
    await cluster.kubectl(['delete', 'pvc', '-l', 'app=store', '--timeout=60s'], { timeoutMs: 70_000 });
  });

  test('an autoscaler reacts to load', async () => {
    const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: main
          image: bayplan.local/quickstart:v1
          command: [sh, -c, 'while true; do :; done']
          resources: {requests: {cpu: 10m}, limits: {cpu: 50m}}
`;
    await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
    await cluster.kubectl(['autoscale', 'deployment', 'busy', '--cpu-percent=50', '--min=1', '--max=2']);
    const replicas = (): Promise<string> => cluster.kubectl(['get', 'deployment', 'busy', '-o', 'jsonpath={.spec.replicas}']);
    await eventually(async () => expect(await replicas()).toBe('2'), 150_000);
    const described = await cluster.kubectl(['describe', 'hpa', 'busy']);
    expect(described).toMatch(/SuccessfulRescale .* New size: 2; reason: cpu resource utilization \(percentage of request\) above target/);
    expect(described).toMatch(/ScalingActive +True +ValidMetricFound/);
    await cluster.kubectl(['delete', 'hpa/busy', 'deployment/busy', '--cascade=foreground', '--timeout=60s'], { timeoutMs: 70_000 });
  });

  test('a crashing container is reported as kubectl users know it', async () => {
    await cluster.kubectl(['run', 'crasher', '--image=bayplan.local/quickstart:v1', '--restart=Always', '--', 'sh', '-c', 'exit 3']);
    await eventually(async () => expect(await cluster.kubectl(['get', 'pod', 'crasher', '--no-headers'])).toContain('CrashLoopBackOff'));
    const state = JSON.parse(
      await cluster.kubectl(['get', 'pod', 'crasher', '-o', 'jsonpath={.status.containerStatuses[0].lastState}']),
    ) as { terminated: { exitCode: number } };
    expect(state.terminated.exitCode).toBe(3);
    await cluster.kubectl(['delete', 'pod', 'crasher', '--grace-period=1']);
  });

  test('an image that does not exist is reported as kubectl users know it', async () => {
    await cluster.kubectl(['run', 'lost', '--image=127.0.0.1:1/none:v1']);
    await eventually(async () =>
      expect(await cluster.kubectl(['get', 'pod', 'lost', '--no-headers'])).toMatch(/ErrImagePull|ImagePullBackOff/),
    );
    await cluster.kubectl(['delete', 'pod', 'lost', '--grace-period=0', '--force']);
  });

  test('killing the whole cluster loses no object and restarts no container', async () => {
    const query = [
      'get',
      'pods',
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
    ];
    await cluster.kubectl(['create', 'configmap', 'survivor', '--from-literal=a=b']);
    const containers = await cluster.kubectl(query);
    expect(containers.trim().split('\n').length).toBeGreaterThanOrEqual(3);
    expect((await cluster.killAll()).length).toBeGreaterThanOrEqual(3);
    const { code, stderr } = await cluster.up();
    expect(code, stderr).toBe(0);
    expect(await cluster.kubectl(['get', 'configmap', 'survivor', '-o', 'jsonpath={.data.a}'])).toBe('b');
    expect(await cluster.kubectl(query)).toBe(containers);
    expect(await cluster.kubectl(['exec', 'deployment/web', '--', 'echo', 'alive'])).toBe('alive\n');
  });

  test('a second instance is refused in one line', async () => {
    const { code, stderr } = await cluster.up();
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/runs on .* already \(pid \d+\)/);
  });

  test('what should be secret is readable by its owner only', async () => {
    const { statSync } = await import('node:fs');
    expect(statSync(cluster.kubeconfig).mode & 0o777).toBe(0o600);
    for (const name of await readdir(`${cluster.home}/pki`)) expect(statSync(`${cluster.home}/pki/${name}`).mode & 0o777, name).toBe(0o600);
  });
});
