import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer } from '../../src/testing/index.ts';
import type { TestApiServer } from '../../src/testing/index.ts';
import { ask } from '../registry/asking.ts';

let api: TestApiServer;
let broken: string | undefined;
const path = '/api/v1/componentstatuses';

beforeAll(async () => {
  const check = (): Promise<void> => (broken === undefined ? Promise.resolve() : Promise.reject(new Error(broken)));
  const well = (): Promise<void> => Promise.resolve();
  api = await startTestApiServer({
    listen: false,
    components: [
      { name: 'scheduler', check },
      { name: 'controller-manager', check: well },
    ],
  });
});
afterAll(() => api.close());

describe('componentstatuses', () => {
  const table = async (url: string): Promise<unknown[]> => {
    const { json } = await ask(api, 'GET', url, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    const { columnDefinitions, rows } = json as unknown as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
    expect(columnDefinitions.map(({ name }) => name)).toEqual(['Name', 'Status', 'Message', 'Error']);
    return rows.map(({ cells }) => cells);
  };

  it('are asked anew each time, the store among them, with a warning', async () => {
    broken = undefined;
    const { json, headers } = await ask(api, 'GET', path);
    expect(String(headers['warning'])).toContain('v1 ComponentStatus is deprecated in v1.19+');
    expect(json.items).toEqual(
      ['controller-manager', 'etcd-0', 'scheduler'].map((name) => ({
        metadata: { name },
        conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
      })),
    );
    broken = 'scheduler has stopped';
    expect(await table(path)).toEqual([
      ['controller-manager', 'Healthy', 'ok', ''],
      ['etcd-0', 'Healthy', 'ok', ''],
      ['scheduler', 'Unhealthy', '', 'scheduler has stopped'],
    ]);
  });

  it('answer for one, by name and by selector', async () => {
    broken = undefined;
    expect(await table(`${path}/scheduler`)).toEqual([['scheduler', 'Healthy', 'ok', '']]);
    expect(await table(`${path}?fieldSelector=metadata.name%3Detcd-0`)).toEqual([['etcd-0', 'Healthy', 'ok', '']]);
    expect(await table(`${path}?labelSelector=a`)).toEqual([]);
    expect((await ask(api, 'GET', `${path}/none`)).status).toBe(404);
    expect((await ask(api, 'DELETE', `${path}/scheduler`)).status).toBe(405);
  });
});
