import { isUnauthorized, resources } from '@bayplan/api';
import { createClient, createRestTransport } from '@bayplan/client';
import { issueCertificate, systemClock } from '@bayplan/component-base';
import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

const run = promisify(execFile);

let api: TestApiServer;
let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  api = await startTestApiServer();
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-kubectl-'));
  kubeconfig = path.join(folder, 'kubeconfig');
  await api.writeKubeconfig(kubeconfig);
  await createClient(api.admin).create(resources.serviceAccounts, { metadata: { name: 'default', namespace: 'default' } });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('HTTPS', () => {
  it('speaks HTTP/2 and HTTP/1.1', async () => {
    const session = connect(api.url, { ca: api.caPem });
    const stream = session.request({ ':path': '/livez' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    session.close();
    expect(text).toBe('ok');

    const status = await new Promise((resolve, reject) => {
      request(`${api.url}/livez`, { ca: api.caPem }, (res) => {
        res.resume();
        resolve(`${res.httpVersion} ${String(res.statusCode)}`);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe('1.1 200');
  });

  it('refuses certificates of another CA', async () => {
    const other = await startTestApiServer({ listen: false });
    const pair = await issueCertificate(
      other.keys.ca,
      { commonName: 'x', organizations: ['system:masters'], usages: ['client'] },
      systemClock.now(),
    );
    await other.close();
    const transport = createRestTransport({
      server: [api.url],
      caPem: api.caPem,
      certPem: pair.certPem,
      keyPem: pair.keyPem,
      userAgent: 'test',
    });
    const error = await createClient(transport)
      .list(resources.namespaces)
      .catch((thrown: unknown) => thrown);
    await transport.close();
    expect(isUnauthorized(error)).toBe(true);
  });

  it('streams a watch to a client that reads it', async () => {
    const pair = await issueCertificate(
      api.keys.ca,
      { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] },
      systemClock.now(),
    );
    const transport = createRestTransport({
      server: [api.url],
      caPem: api.caPem,
      certPem: pair.certPem,
      keyPem: pair.keyPem,
      userAgent: 'test',
    });
    const client = createClient(transport);
    const { metadata } = await client.list(resources.configMaps);
    const abort = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(resources.configMaps, {
        resourceVersion: metadata.resourceVersion ?? '',
        signal: abort.signal,
      })) {
        seen.push(event.object.metadata?.name ?? '');
        if (seen.length === 50) abort.abort();
      }
    })().catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    });
    for (let index = 0; index < 50; index++)
      await client.create(resources.configMaps, { metadata: { name: `w${index}`, namespace: 'default' } });
    await watching;
    await transport.close();
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => `w${index}`));
  });
});

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "IMAGE", ports: [{containerPort: 80}]}]}
`;

/** Every kubectl of this machine: those in \`KUBECTL_DIR\`, or beside the one in PATH. */
async function kubectls(): Promise<string[]> {
  const folders = [process.env['KUBECTL_DIR'], '/usr/lib/google-cloud-sdk/bin', ...(process.env['PATH'] ?? '').split(':')];
  for (const candidate of folders.filter((name) => name !== undefined)) {
    const names = await readdir(candidate).catch(() => []);
    const versions = names.filter((name) => /^kubectl\.1\.\d+$/.test(name)).sort();
    const [oldest, newest] = [versions[0], versions.at(-1)];
    if (oldest !== undefined && newest !== undefined) return [oldest, newest].map((name) => path.join(candidate, name));
  }
  for (const candidate of (process.env['PATH'] ?? '').split(':')) {
    const file = path.join(candidate, 'kubectl');
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return [file];
  }
  return [];
}

const found = await kubectls();

describe.skipIf(found.length === 0).each(found)('%s', (binary) => {
  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(binary, ['--kubeconfig', kubeconfig, ...args], { env: { ...process.env, HOME: folder } });
    return stdout.trim();
  };
  const fails = async (...args: string[]): Promise<string> =>
    kubectl(...args).then(
      () => expect.fail('should have failed'),
      (error: { stderr: string }) => error.stderr,
    );
  const file = (): string => path.join(folder, 'web.yaml');

  it('applies, diffs, patches, scales, waits and deletes', async () => {
    await writeFile(file(), manifest.replace('IMAGE', 'nginx:1'));
    expect(await kubectl('apply', '-f', file())).toBe('deployment.apps/web created');
    expect(await kubectl('apply', '-f', file())).toBe('deployment.apps/web unchanged');
    expect(await kubectl('diff', '-f', file())).toBe('');
    await writeFile(file(), manifest.replace('IMAGE', 'nginx:2'));
    expect(await kubectl('apply', '-f', file())).toBe('deployment.apps/web configured');
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', file())).toBe('deployment.apps/web serverside-applied');
    expect(await kubectl('scale', 'deployment', 'web', '--replicas=3')).toBe('deployment.apps/web scaled');
    expect(await kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas} {.metadata.generation}')).toBe('3 3');
    expect(await kubectl('set', 'image', 'deployment/web', 'c=nginx:3')).toBe('deployment.apps/web image updated');
    expect(await kubectl('annotate', 'deploy', 'web', 'a=b')).toMatch(/annotated?$/);
    expect(await kubectl('wait', '--for=jsonpath={.spec.replicas}=3', 'deployment/web', '--timeout=5s')).toBe(
      'deployment.apps/web condition met',
    );
    expect(await kubectl('get', 'deploy')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/3/);
    expect(await kubectl('describe', 'deploy', 'web')).toContain('Replicas:               3 desired');
    expect(await kubectl('delete', 'deploy', 'web', '--timeout=5s')).toMatch(/deployment.apps "web" deleted/);
  });

  it('explains, discovers and asks what it may', async () => {
    expect(await kubectl('explain', 'pod.spec.restartPolicy')).toContain('restartPolicy <string>');
    expect(await kubectl('api-resources', '-o', 'name')).toContain('deployments.apps');
    expect(await kubectl('api-versions')).toContain('batch/v1');
    expect(await kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes');
    expect(await fails('get', 'pods', '--as', 'nobody')).toContain(
      'pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  it('creates by protobuf, and shows faults', async () => {
    expect(await kubectl('create', 'configmap', 'pb', '--from-literal=a=b')).toBe('configmap/pb created');
    expect(await kubectl('get', 'cm', 'pb', '-o', 'jsonpath={.data.a}')).toBe('b');
    expect(await kubectl('delete', 'cm', 'pb')).toMatch(/deleted/);
    await writeFile(file(), manifest.replace('IMAGE', 'nginx').replace('replicas: 2', 'replicaz: 2'));
    expect(await fails('apply', '-f', file())).toContain('unknown field "spec.replicaz"');
    expect(await fails('run', 'x', '--image=i', '--labels=Bad_/x=1')).toContain('metadata.labels: Invalid value');
  });
});
