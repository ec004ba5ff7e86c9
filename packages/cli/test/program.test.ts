import { expect, test } from 'vitest';
import { formatJoinToken, parseJoinToken } from '../src/commands/token.ts';
import { defaultHomeDir } from '../src/home.ts';
import { createProgram } from '../src/program.ts';
import { createProgress } from '../src/progress.ts';
import { kubeconfigYaml } from '../src/kubeconfig.ts';
import { parse } from 'yaml';

test('every command of the contract exists', () => {
  const names = createProgram().commands.map((command) => command.name());
  expect(names).toEqual(expect.arrayContaining(['up', 'down', 'server', 'agent', 'shim', 'token', 'kubeconfig', 'image', 'snapshot']));
});

test('the data folder depends on the user unless it is named', () => {
  expect(defaultHomeDir({ BAYPLAN_HOME: '/data' }, true)).toBe('/data');
  expect(defaultHomeDir({}, true)).toBe('/var/lib/bayplan');
  expect(defaultHomeDir({ XDG_STATE_HOME: '/home/u/.state' }, false)).toBe('/home/u/.state/bayplan');
});

test('a join token is read back, and nothing else is one', () => {
  const token = { id: 'abc123', secret: '0123456789abcdef', caHash: 'a'.repeat(64) };
  expect(parseJoinToken(formatJoinToken(token))).toEqual(token);
  expect(parseJoinToken('abc123.0123456789abcdef')).toBeUndefined();
  expect(parseJoinToken('')).toBeUndefined();
});

test('a kubeconfig holds certificates in base64', () => {
  const config = parse(kubeconfigYaml({ server: 'https://h:1', caPem: 'CA', user: 'u', certPem: 'CERT', keyPem: 'KEY' })) as Record<
    string,
    unknown
  >;
  expect(config).toMatchObject({
    'current-context': 'bayplan',
    clusters: [{ cluster: { server: 'https://h:1', 'certificate-authority-data': 'Q0E=' } }],
  });
});

test('progress off a terminal is one line a step and one when it is done', () => {
  let text = '';
  let nowMs = 0;
  const progress = createProgress({ write: (part: string) => (text += part) }, () => nowMs);
  progress.step('First');
  nowMs = 1_500;
  progress.step('Second');
  progress.note('by the way');
  nowMs = 2_000;
  progress.done();
  expect(text).toBe('  First\n  done: First (1.5 s)\n  Second\n    by the way\n  done: Second (0.5 s)\n');
});
