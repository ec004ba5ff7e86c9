import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import { namespaceIsTerminating } from '../pods/pod-control.ts';
import { onChange, queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

const configMapName = 'kube-root-ca.crt';
const configMapText =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Gives every namespace a `default` ServiceAccount and the cluster's certificate as `kube-root-ca.crt`. */
export async function runServiceAccountController(context: ControllerContext, caPem: string): Promise<void> {
  const { client, informers, signal } = context;
  const namespaces = informers.informer(resources.namespaces);
  const accounts = informers.informer(resources.serviceAccounts);
  // Only this ConfigMap of each namespace: the others may be many and large.
  const configMaps = informers.informer(resources.configMaps, { fieldSelector: `metadata.name=${configMapName}` });
  const queue = queueFor(context, 'serviceaccount');

  onChange(context, namespaces, (namespace) => queue.add(namespace.metadata.name ?? ''));
  onChange(context, accounts, (account, _previous, deleted) => {
    if (deleted && account.metadata.name === 'default') queue.add(account.metadata.namespace ?? '');
  });
  onChange(context, configMaps, (configMap, previous, deleted) => {
    if (configMap.metadata.name === configMapName && (deleted || previous !== undefined)) queue.add(configMap.metadata.namespace ?? '');
  });

  async function reconcile(name: string): Promise<void> {
    const namespace = namespaces.lister.get(name);
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return;
    try {
      if (accounts.lister.get(`${name}/default`) === undefined) await createIfAbsent(() => createAccount(name));
      const published = configMaps.lister.get(`${name}/${configMapName}`);
      if (published === undefined) await createIfAbsent(() => createConfigMap(name));
      else if (published.data?.['ca.crt'] !== caPem) {
        await client.update(resources.configMaps, { ...published, data: { 'ca.crt': caPem } }, { signal });
      }
    } catch (error) {
      if (!namespaceIsTerminating(error) && !isNotFound(error)) throw error;
    }
  }

  async function createAccount(namespace: string): Promise<void> {
    await client.create(resources.serviceAccounts, { metadata: { namespace, name: 'default' } }, { signal });
  }

  async function createConfigMap(namespace: string): Promise<void> {
    const metadata = { namespace, name: configMapName, annotations: { 'kubernetes.io/description': configMapText } };
    await client.create(resources.configMaps, { metadata, data: { 'ca.crt': caPem } }, { signal });
  }

  await runController(context, { queue, caches: [namespaces, accounts, configMaps], reconcile });
}

async function createIfAbsent(create: () => Promise<void>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
