import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import protobuf from 'protobufjs';
import { createCriClient, RpcError, serveCri } from '../src/index.ts';
import type { CriHandlers, CriServer } from '../src/index.ts';
import { runtimeService } from '../src/generated/cri.ts';

let folder: string;
let server: CriServer | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bayplan-rpc-'));
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function connect(handlers: CriHandlers) {
  const socket = path.join(folder, 'cri.sock');
  server = await serveCri(socket, handlers);
  return createCriClient(socket);
}

describe('CRI codecs', () => {
  it('write the bytes that the reflective encoder writes', async () => {
    const root = await protobuf.load(path.join(import.meta.dirname, '../../../proto/cri/v1.proto'));
    const type = root.lookupType('runtime.v1.CreateContainerRequest');
    const message = {
      podSandboxId: 'pod',
      config: {
        metadata: { name: 'web', attempt: 3 },
        command: ['sh', '-c'],
        envs: [{ key: 'A', value: Buffer.from('b') }],
        labels: { app: 'web', tier: '' },
        stopSignal: 'SIGNAL_SIGINT' as const,
        linux: {
          resources: { cpuQuota: -1, memoryLimitInBytes: 2 ** 40, oomScoreAdj: -999 },
          securityContext: { supplementalGroups: [1, 2 ** 33], runAsUser: { value: 0 }, namespaceOptions: { pid: 'CONTAINER' as const } },
        },
      },
    };
    const reflective = Buffer.from(type.encode(type.fromObject(message)).finish());
    const own = runtimeService.createContainer.requestSerialize(message);
    expect(type.toObject(type.decode(own), { longs: Number, enums: String })).toEqual(
      type.toObject(type.decode(reflective), { longs: Number, enums: String }),
    );
    const decoded = runtimeService.createContainer.requestDeserialize(reflective);
    expect(decoded.config?.linux?.resources).toMatchObject({
      cpuQuota: -1,
      memoryLimitInBytes: 2 ** 40,
      oomScoreAdj: -999,
      cpusetCpus: '',
    });
    expect(decoded.config?.linux?.securityContext?.supplementalGroups).toEqual([1, 2 ** 33]);
    expect(decoded.config?.labels).toEqual({ app: 'web', tier: '' });
    expect(decoded.config?.stopSignal).toBe('SIGNAL_SIGINT');
    expect(decoded.config?.args).toEqual([]);
  });
});

describe('CRI over a socket', () => {
  it('answers unary calls and keeps codes', async () => {
    const client = await connect({
      runtime: {
        version: async (request) => ({ runtimeName: `bayplan-${request.version}` }),
        podSandboxStatus: async (request) => {
          throw new RpcError('NOT_FOUND', `No sandbox ${request.podSandboxId}`);
        },
      },
      image: {},
    });
    expect(await client.runtime.version({ version: 'x' })).toEqual({
      version: '',
      runtimeName: 'bayplan-x',
      runtimeVersion: '',
      runtimeApiVersion: '',
    });
    await expect(client.runtime.podSandboxStatus({ podSandboxId: 'p' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'No sandbox p',
    });
    await expect(client.image.listImages({})).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
    client.close();
  });

  it('streams, and tells the handler when the consumer leaves', async () => {
    let gone: (() => void) | undefined;
    const left = new Promise<void>((resolve) => (gone = resolve));
    const client = await connect({
      runtime: {
        getContainerEvents: async function* (_request, { signal }) {
          yield { containerId: 'one' };
          yield { containerId: 'two' };
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          gone?.();
        },
      },
      image: {},
    });
    const seen: string[] = [];
    for await (const event of client.runtime.getContainerEvents({})) {
      seen.push(event.containerId);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['one', 'two']);
    await left;
    client.close();
  });

  it('cancels by signal and by deadline', async () => {
    const client = await connect({ runtime: { stopContainer: () => new Promise(() => undefined) }, image: {} });
    const abort = new AbortController();
    const call = client.runtime.stopContainer({ containerId: 'c' }, { signal: abort.signal });
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(client.runtime.stopContainer({}, { deadlineMs: 20 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    client.close();
  });
});
