import { isConflict, isNotFound, resources } from '@bayplan/api';
import type { AuthenticationV1TokenRequest, Secret, ServiceAccount } from '@bayplan/api';
import { keyOf, splitKey } from '@bayplan/client';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

export const tokenSecretType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
/** The longest that a token may be asked for, in seconds: such tokens end with their Secret, not with time. */
const forever = 2 ** 32;
const accountIndex = 'account';

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token of their ServiceAccount that is good as
 * long as the Secret exists, and removes those whose ServiceAccount is gone.
 */
export async function runTokenSecretsController(context: ControllerContext, caPem: string): Promise<void> {
  const { client, informers, logger, signal } = context;
  // Only Secrets of this type: the others may be many and large.
  const secrets = informers.informer(resources.secrets, { fieldSelector: `type=${tokenSecretType}` });
  const accounts = informers.informer(resources.serviceAccounts);
  secrets.addIndexers({ [accountIndex]: accountOf });
  const queue = queueFor(context, 'serviceaccount_tokens_secret');

  onChange(context, secrets, (secret, _previous, deleted) => {
    if (!deleted) queue.add(keyOf(secret));
  });
  onChange(context, accounts, (account, previous, deleted) => {
    if (!deleted && previous?.metadata.uid === account.metadata.uid) return;
    for (const secret of secrets.lister.byIndex(accountIndex, keyOf(account))) queue.add(keyOf(secret));
  });

  async function reconcile(key: string): Promise<void> {
    const secret = secrets.lister.get(key);
    const name = secret?.metadata.annotations?.[nameAnnotation];
    if (secret === undefined || !name || secret.metadata.deletionTimestamp !== undefined) return;
    const { namespace } = splitKey(key);
    const account = await liveAccount(namespace ?? '', name);
    const uid = secret.metadata.annotations?.[uidAnnotation];
    if (account === undefined || (uid !== undefined && uid !== '' && uid !== account.metadata.uid)) return remove(secret);
    await fill(secret, account);
  }

  /** The cache may be behind, and the answer decides whether a Secret is deleted: so the server is asked before that. */
  async function liveAccount(namespace: string, name: string): Promise<ServiceAccount | undefined> {
    const cached = accounts.lister.get(`${namespace}/${name}`);
    if (cached !== undefined) return cached;
    try {
      return await client.get(resources.serviceAccounts, { namespace, name }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async function remove(secret: Secret): Promise<void> {
    const { namespace, name = '', uid } = secret.metadata;
    try {
      await client.delete(resources.secrets, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
      logger.info('Removed a token whose ServiceAccount is gone', { secret: keyOf(secret) });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  async function fill(secret: Secret, account: ServiceAccount): Promise<void> {
    const { namespace = '', name = '', uid = '', annotations } = secret.metadata;
    const wanted: Record<string, string> = { 'ca.crt': base64(caPem), namespace: base64(namespace) };
    const data = secret.data ?? {};
    const isComplete = Object.entries(wanted).every(([key, value]) => data[key] === value) && Boolean(data['token']);
    const accountUid = account.metadata.uid ?? '';
    if (isComplete && annotations?.[uidAnnotation] === accountUid) return;
    const token = data['token'] ? data['token'] : base64(await tokenFor(namespace, account.metadata.name ?? '', name, uid));
    const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: accountUid } };
    try {
      await client.update(resources.secrets, { ...secret, metadata, data: { ...data, ...wanted, token } }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function tokenFor(namespace: string, account: string, secretName: string, secretUid: string): Promise<string> {
    const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name: secretName, uid: secretUid };
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], expirationSeconds: forever, boundObjectRef },
    };
    const request = body as unknown as AuthenticationV1TokenRequest;
    const answer = await client.createSubresource(resources.serviceAccounts, { namespace, name: account }, 'token', request, { signal });
    if (!answer.status?.token) throw new Error(`the server gave no token for ${namespace}/${account}`);
    return answer.status.token;
  }

  await runController(context, { queue, caches: [secrets, accounts], reconcile });
}

function accountOf(secret: Secret): readonly string[] {
  const name = secret.metadata.annotations?.[nameAnnotation];
  return name ? [`${secret.metadata.namespace ?? ''}/${name}`] : [];
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
