import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { imageList, imageLoad } from '../src/commands/image.ts';
import { createJoinToken } from '../src/commands/token.ts';
import { homeAt } from '../src/home.ts';
import { kubeconfigYaml } from '../src/kubeconfig.ts';
import { createCertificateAuthority } from '@bayplan/component-base';
import { UserError } from '../src/user-error.ts';

let dir = '';
beforeEach(async () => void (dir = await mkdtemp(path.join(tmpdir(), 'bayplan-faults-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const fault = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined).catch((error: unknown) => error);

it('says in one line that no runtime listens', async () => {
  const error = await fault(imageList(path.join(dir, 'cri.sock'), 'text'));
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(/^nothing listens on .*cri\.sock: check that/);
});

it('says in one line that a file is no archive', async () => {
  const archive = path.join(dir, 'image.tar');
  await writeFile(archive, 'garbage\n');
  const error = await fault(imageLoad(homeAt(dir), path.join(dir, 'run/cri.sock'), archive, 'text'));
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(/^Cannot read the archive .*image\.tar: [^\n]*$/);
});

it('says in one line that the cluster of a token is missing, or does not answer', async () => {
  const home = homeAt(dir);
  const missing = await fault(createJoinToken(home, 1, 0));
  expect((missing as Error).message).toMatch(/kubeconfig does not exist: run this on/);
  const { certPem, keyPem } = await createCertificateAuthority('test', Date.now());
  await writeFile(home.kubeconfig, kubeconfigYaml({ server: 'https://127.0.0.1:1', caPem: certPem, user: 'admin', certPem, keyPem }));
  const dead = await fault(createJoinToken(home, 1, 0));
  expect(dead).toBeInstanceOf(UserError);
  expect((dead as Error).message).toMatch(/did not answer.*: check that the cluster runs$/);
});
