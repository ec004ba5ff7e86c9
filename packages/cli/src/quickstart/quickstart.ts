import { findResourceOfKind, resources } from '@bayplan/api';
import type { Deployment, KubeObject, Pod } from '@bayplan/api';
import type { Client } from '@bayplan/client';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Home } from '../home.ts';
import type { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';
import { buildQuickstartImage } from './image.ts';

const deployFolder = fileURLToPath(new URL('../../../../deploy/quickstart/', import.meta.url));
const fieldManager = 'bayplan-quickstart';
const nodeDeadlineMs = 90_000;
const rolloutDeadlineMs = 180_000;
const pollMs = 100;

/** Resolves when the node is Ready and its agent has renewed the node's lease after `sinceMs`: an older state may be that of an agent before. */
export async function waitForNode(client: Client, name: string, sinceMs: number, signal: AbortSignal): Promise<void> {
  await until(nodeDeadlineMs, signal, async () => {
    const { items } = await client.list(resources.nodes, { signal });
    const ready = items.find((node) => node.metadata.name === name)?.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (ready === undefined) return `node ${name} has not registered`;
    if (ready.status !== 'True') return `node ${name} is not Ready (${ready.message ?? ready.reason ?? 'no reason given'})`;
    const leases = await client.list(resources.leases, { namespace: 'kube-node-lease', signal });
    const renewed = leases.items.find((lease) => lease.metadata.name === name)?.spec?.renewTime;
    return renewed !== undefined && Date.parse(renewed) >= sinceMs ? undefined : `the agent of node ${name} has not reported`;
  });
}

/** Builds the image. Resolves with the path of an archive to load. */
export function buildQuickstartArchive(home: Home): Promise<string> {
  return buildQuickstartImage(path.join(deployFolder, 'image'), path.join(home.dir, 'images'));
}

/** Applies the quickstart, waits until it is rolled out and until `web` answers through its Service address. */
export async function rollOutQuickstart(client: Client, clusterDomain: string, progress: Progress, signal: AbortSignal): Promise<string[]> {
  progress.step('Rolling out the quickstart');
  const objects = parseAllDocuments(await readFile(path.join(deployFolder, 'quickstart.yaml'), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );
  for (const object of objects) await apply(client, object, signal);
  const deployments = objects.filter((object) => object.kind === 'Deployment');
  await until(rolloutDeadlineMs, signal, async () => {
    for (const { metadata } of deployments) {
      const deployment = await client.get(resources.deployments, { namespace: metadata.namespace, name: metadata.name ?? '' }, { signal });
      if (!isRolledOut(deployment))
        return `Deployment ${metadata.name ?? ''} is not rolled out (${await describePods(client, deployment, signal)})`;
    }
    return undefined;
  });
  progress.step('Asking the quickstart through its Service');
  const service = await client.get(resources.services, { namespace: 'default', name: 'web' }, { signal });
  const address = service.spec?.clusterIP ?? '';
  let answer = '';
  await until(rolloutDeadlineMs, signal, async () => {
    const { status, body } = await httpGet(address, signal).catch((error: unknown) => ({ status: 0, body: (error as Error).message }));
    answer = body.trim();
    return status === 200 ? undefined : `http://${address}/ does not answer as it should (${status} ${answer})`;
  });
  return [`quickstart  http://${address}/ (in the cluster: http://web.default.svc.${clusterDomain}/)`, `            answers: ${answer}`];
}

async function apply(client: Client, object: KubeObject, signal: AbortSignal): Promise<void> {
  const [version = '', group = ''] = (object.apiVersion ?? '').split('/').reverse();
  const ref = findResourceOfKind(group, version, object.kind ?? '');
  if (ref === undefined) throw new Error(`no resource for ${object.apiVersion ?? ''} ${object.kind ?? ''}`);
  await client.patch(ref, { namespace: object.metadata.namespace, name: object.metadata.name ?? '' }, 'apply', object, {
    fieldManager,
    force: true,
    signal,
  });
}

function isRolledOut(deployment: Deployment): boolean {
  const { spec, status, metadata } = deployment;
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.availableReplicas ?? 0) >= wanted &&
    (status?.replicas ?? 0) === wanted
  );
}

/** What keeps a Deployment's pods from being ready, in a line. */
async function describePods(client: Client, deployment: Deployment, signal: AbortSignal): Promise<string> {
  const labels = Object.entries(deployment.spec?.selector.matchLabels ?? {});
  const { items } = await client.list(resources.pods, {
    namespace: deployment.metadata.namespace,
    labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    signal,
  });
  return items.length === 0 ? 'no pods' : items.map((pod) => `${pod.metadata.name ?? ''}: ${describePod(pod)}`).join('; ');
}

function describePod(pod: Pod): string {
  const waiting = pod.status?.containerStatuses?.find((status) => status.state?.waiting)?.state?.waiting;
  if (waiting) return `${waiting.reason ?? 'waiting'}${waiting.message ? ` ${waiting.message}` : ''}`;
  const blocked = pod.status?.conditions?.find((condition) => condition.status === 'False');
  return `${pod.status?.phase ?? 'Pending'}${blocked?.message ? ` ${blocked.message}` : ''}`;
}

function httpGet(host: string, signal: AbortSignal): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port: 80, path: '/', timeout: 5_000, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Asks again until `check` finds nothing wrong. Rejects with what it found last. */
async function until(deadlineMs: number, signal: AbortSignal, check: () => Promise<string | undefined>): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const fault = await check();
    if (fault === undefined) return;
    if (performance.now() > endMs)
      throw new UserError(fault, `nothing changed in ${deadlineMs / 1000} s; see the logs folder in BAYPLAN_HOME`);
    await sleep(pollMs, undefined, { signal });
  }
}
