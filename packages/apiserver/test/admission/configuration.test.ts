import { resources, statusOf } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadAdmissionConfiguration } from '../../src/admission/admission-configuration.ts';
import { startTestApiServer } from '../../src/testing/index.ts';

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'bayplan-admission-'))));
afterAll(() => rm(folder, { recursive: true }));

const write = async (name: string, text: string): Promise<string> => {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
};
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n';
const podSecurity = 'apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n';

it('reads defaults and exemptions of PodSecurity, inline or from another file', async () => {
  await write(
    'pod-security.yaml',
    `${podSecurity}defaults: {enforce: baseline, warn: restricted, warn-version: v1.30}\nexemptions: {namespaces: [kube-system]}\n`,
  );
  const file = await write('outer.yaml', `${head}plugins: [{name: PodSecurity, path: pod-security.yaml}]\n`);
  expect(await loadAdmissionConfiguration(file)).toMatchObject({
    podSecurity: {
      defaults: {
        enforce: { level: 'baseline', minor: Infinity },
        audit: { level: 'privileged' },
        warn: { level: 'restricted', minor: 30 },
      },
      exemptions: { namespaces: ['kube-system'] },
    },
  });
  const api = await startTestApiServer({ listen: false, admission: { configFile: file } });
  const admin = createClient(api.admin);
  for (const namespace of ['default', 'kube-system']) {
    await admin.create(resources.serviceAccounts, { metadata: { name: 'default', namespace } });
    const pod = { metadata: { name: 'p', namespace }, spec: { hostPID: true, containers: [{ name: 'c', image: 'i' }] } };
    const outcome = await admin.create(resources.pods, pod).then(
      () => 201,
      (error: unknown) => statusOf(error)?.code,
    );
    expect(outcome).toBe(namespace === 'default' ? 403 : 201);
  }
  await api.close();
});

it.each([
  ['plugins: [{name: Other}]', /plugins\[0\].name: Unsupported value: "Other": supported values: "PodSecurity"/],
  ['plugins: [{name: PodSecurity, path: absent.yaml}]', /absent.yaml: ENOENT/],
  ['plugins: [{name: PodSecurity, bogus: 1}]', /plugins\[0\].bogus: Invalid value: "bogus": unknown field/],
  [
    'plugins: [{name: PodSecurity, configuration: {apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, defaults: {enforce: x}}}]',
    /defaults.enforce: Unsupported value: "x"/,
  ],
])('says what is wrong with %s', async (text, expected) => {
  await expect(loadAdmissionConfiguration(await write('bad.yaml', `${head}${text}\n`))).rejects.toThrow(expected);
});

it('knows its plug-ins by name', async () => {
  await expect(startTestApiServer({ listen: false, admission: { disabledPlugins: ['Nope'] } })).rejects.toThrow(
    /disable-admission-plugins plugin "Nope" is unknown/,
  );
  await expect(startTestApiServer({ listen: false, admission: { disabledPlugins: ['RBACEscalation'] } })).rejects.toThrow(/is unknown/);
  const both = { enabledPlugins: ['Priority'], disabledPlugins: ['Priority'] };
  await expect(startTestApiServer({ listen: false, admission: both })).rejects.toThrow(/Priority in enable-admission-plugins and/);
});
