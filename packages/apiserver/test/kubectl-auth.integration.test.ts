import { resources } from '@bayplan/api';
import { createClient } from '@bayplan/client';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectlPath } from '../../../test/e2e/support/clients.ts';
import { startTestApiServer } from '../src/testing/index.ts';
import type { TestApiServer } from '../src/testing/index.ts';

let api: TestApiServer;
let directory: string;
let binary: string;

beforeAll(async () => {
  binary = kubectlPath('1.35');
  directory = await mkdtemp(path.join(tmpdir(), 'bayplan-kubectl-auth-'));
  api = await startTestApiServer();
  await api.writeKubeconfig(path.join(directory, 'admin'));
  await api.writeKubeconfig(path.join(directory, 'bob'), { name: 'bob', groups: ['team'] });
  await createClient(api.admin).create(resources.serviceAccounts, { metadata: { name: 'robot', namespace: 'default' } });
});
afterAll(async () => {
  await api.close();
  await rm(directory, { recursive: true, force: true });
});

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function kubectl(who: 'admin' | 'bob', ...args: string[]): Promise<Result> {
  const env = { PATH: process.env['PATH'], HOME: directory, KUBECONFIG: path.join(directory, who) };
  return new Promise((resolve) => {
    execFile(binary, args, { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out: out.trim(), err: err.trim() });
    });
  });
}

/** As somebody who has a token and nothing else. */
function withToken(token: string, ...args: string[]): Promise<Result> {
  const server = ['--server', api.url, '--insecure-skip-tls-verify', '--token', token];
  return new Promise((resolve) => {
    execFile(binary, [...server, ...args], { env: { HOME: directory, KUBECONFIG: '/dev/null' }, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out: out.trim(), err: err.trim() });
    });
  });
}

describe('kubectl auth', () => {
  it('can-i answers with words and exit codes', async () => {
    expect(await kubectl('admin', 'auth', 'can-i', 'create', 'pods')).toMatchObject({ code: 0, out: 'yes' });
    expect(await kubectl('bob', 'auth', 'can-i', 'create', 'pods')).toMatchObject({ code: 1, out: 'no' });
    expect(await kubectl('bob', 'auth', 'can-i', 'get', '/version')).toMatchObject({ code: 0, out: 'yes' });
    expect(await kubectl('admin', 'auth', 'can-i', 'list', 'pods', '--as', 'bob')).toMatchObject({ code: 1, out: 'no' });
  });

  it('can-i --list shows the rules', async () => {
    const { code, out } = await kubectl('bob', 'auth', 'can-i', '--list');
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs$/);
    expect(out).toMatch(/selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]/);
    expect(out).toMatch(/\[\/healthz\] +\[\] +\[get\]/);
    expect((await kubectl('admin', 'auth', 'can-i', '--list')).out).toMatch(/\*\.\* +\[\] +\[\] +\[\*\]/);
  });

  it('whoami tells name and groups', async () => {
    const { code, out } = await kubectl('bob', 'auth', 'whoami');
    expect(code).toBe(0);
    expect(out).toMatch(/Username +bob/);
    expect(out).toMatch(/Groups +\[team system:authenticated\]/);
    expect((await kubectl('admin', 'auth', 'whoami', '--as', 'eve', '--as-group', 'g', '-o', 'jsonpath={.status.userInfo}')).out).toBe(
      '{"groups":["g","system:authenticated"],"username":"eve"}',
    );
  });
});

describe('kubectl create token', () => {
  it('makes a token that kubectl can use', async () => {
    const { code, out: token } = await kubectl('admin', 'create', 'token', 'robot', '--duration', '10m');
    expect(code).toBe(0);
    expect((await withToken(token, 'auth', 'whoami')).out).toMatch(/Username +system:serviceaccount:default:robot/);
    const refused = await withToken(token, 'get', 'pods');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('User "system:serviceaccount:default:robot" cannot list resource "pods"');
    expect((await withToken(`${token}x`, 'get', 'pods')).err).toMatch(/Unauthorized|must be logged in/);
  });

  it('says why it does not', async () => {
    expect((await kubectl('admin', 'create', 'token', 'none')).err).toContain('serviceaccounts "none" not found');
    expect((await kubectl('admin', 'create', 'token', 'robot', '--duration', '1m')).err).toContain(
      'may not specify a duration less than 10 minutes',
    );
    expect((await kubectl('bob', 'create', 'token', 'robot')).err).toContain('cannot create resource "serviceaccounts/token"');
  });
});
