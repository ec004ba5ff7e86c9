import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { proxyUpgrade } from '../src/index.ts';

it('refuses to hand on a value that would be several headers', async () => {
  const request = { method: 'GET', rawHeaders: [] } as unknown as IncomingMessage;
  const upstream = new PassThrough();
  const headers = { 'x-remote-user': 'eve\r\nX-Remote-Group: system:masters' };
  const target = { url: new URL('http://far.example/'), open: () => Promise.resolve(upstream), headers };
  await expect(proxyUpgrade(request, new PassThrough(), Buffer.alloc(0), target)).rejects.toThrow('Invalid character in header content');
  expect(upstream.readableLength).toBe(0);
});
