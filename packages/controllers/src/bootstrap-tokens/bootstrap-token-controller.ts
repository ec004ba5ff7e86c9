import { isNotFound, resources } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import type { ReconcileResult } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { bootstrapTokenType, detachedSignature, lifetimeMs, sameSignature, signingToken } from './token-data.ts';

const tokenNamespace = 'kube-system';
const infoKey = 'kube-public/cluster-info';
const signaturePrefix = 'jws-kubeconfig-';
/** Timers of computers end at 24 days. */
const longestWaitMs = 24 * 3_600_000;

/** Removes expired bootstrap tokens, and signs the ConfigMap `kube-public/cluster-info` with those that may sign. */
export async function runBootstrapTokenController(context: ControllerContext): Promise<void> {
  const { client, informers, clock, logger, signal } = context;
  const tokens = informers.informer(resources.secrets, { namespace: tokenNamespace, fieldSelector: `type=${bootstrapTokenType}` });
  const infos = informers.informer(resources.configMaps, { namespace: 'kube-public', fieldSelector: 'metadata.name=cluster-info' });
  const cleanQueue = queueFor(context, 'token_cleaner');
  const signQueue = queueFor(context, 'bootstrap_signer_queue');

  onChange(context, tokens, (token, _previous, deleted) => {
    if (!deleted) cleanQueue.add(keyOf(token));
    signQueue.add(infoKey);
  });
  onChange(context, infos, (_info, _previous, deleted) => {
    if (!deleted) signQueue.add(infoKey);
  });

  async function clean(key: string): Promise<ReconcileResult | void> {
    const token = tokens.lister.get(key);
    const leftMs = token === undefined ? undefined : lifetimeMs(token, clock.now());
    if (token === undefined || leftMs === undefined) return;
    if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, longestWaitMs) };
    const { uid } = token.metadata;
    const { namespace, name } = splitKey(key);
    try {
      await client.delete(resources.secrets, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
      logger.info('Removed an expired bootstrap token', { secret: name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function sign(): Promise<void> {
    const info = infos.lister.get(infoKey);
    const content = info?.data?.['kubeconfig'];
    if (info === undefined || content === undefined) return;
    const data: Record<string, string> = {};
    for (const [name, text] of Object.entries(info.data ?? {})) if (!name.startsWith(signaturePrefix)) data[name] = text;
    for (const secret of tokens.lister.list()) {
      const token = signingToken(secret);
      if (token === undefined || lifetimeMs(secret, clock.now()) === 0) continue;
      data[`${signaturePrefix}${token.id}`] = detachedSignature(content, token.id, token.secret);
    }
    const before = info.data ?? {};
    const names = Object.keys(data);
    if (names.length === Object.keys(before).length && names.every((name) => sameSignature(data[name] ?? '', before[name] ?? ''))) return;
    await client.update(resources.configMaps, { ...info, data }, { signal });
  }

  await Promise.all([
    runController(context, { queue: cleanQueue, caches: [tokens], workers: 1, reconcile: clean }),
    runController(context, { queue: signQueue, caches: [tokens, infos], workers: 1, reconcile: sign }),
  ]);
}
