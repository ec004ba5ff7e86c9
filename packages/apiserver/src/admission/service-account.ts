import { forbidden } from '@bayplan/api';
import type { Container, Pod, ServiceAccount, Volume } from '@bayplan/api';
import type { Random } from '@bayplan/component-base';
import type { Registry } from '../registry/registry.ts';
import { referencesOf } from '../authorization/pod-references.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** A little over an hour: agents renew at four fifths of it. */
const tokenSeconds = 3607;
const volumePrefix = 'kube-api-access-';

/** Gives every pod a ServiceAccount, its image pull secrets, and a volume with a token, the CA and the namespace. */
export function serviceAccountAdmission(registry: Registry, random: Random): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    async mutate(request) {
      if (
        request.resource.resource !== 'pods' ||
        request.resource.group !== '' ||
        request.subresource !== '' ||
        request.operation !== 'CREATE'
      )
        return;
      const pod = request.object as Pod;
      if (pod.spec === undefined) return;
      if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) return checkMirrorPod(request, pod);
      const name = pod.spec.serviceAccountName || 'default';
      pod.spec.serviceAccountName = name;
      pod.spec.serviceAccount = name;
      const account = await findAccount(registry, request, name);
      if ((pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken) !== false) mountToken(pod, random);
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        pod.spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
      }
    },
  };
}

/** A mirror pod shows what a node runs by itself: it has no part in the cluster's identities and objects. */
function checkMirrorPod(request: AdmissionRequest, pod: Pod): void {
  if (pod.spec?.serviceAccountName) throw refuse(request, 'a mirror pod may not reference service accounts');
  const { secrets } = referencesOf({ ...pod, metadata: { ...pod.metadata, annotations: {} } });
  if (secrets.size > 0) throw refuse(request, 'a mirror pod may not reference secrets');
  for (const { projected } of pod.spec?.volumes ?? []) {
    if ((projected?.sources ?? []).some((source) => source.serviceAccountToken !== undefined))
      throw refuse(request, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

async function findAccount(registry: Registry, request: AdmissionRequest, name: string): Promise<ServiceAccount> {
  const found = await registry.stored('', 'v1', 'serviceaccounts').storage.find(request.namespace, name);
  if (found !== undefined) return found.object as ServiceAccount;
  throw forbidden(
    request.resource,
    request.name,
    `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
  );
}

function mountToken(pod: Pod, random: Random): void {
  const { spec } = pod;
  if (spec === undefined) return;
  const present = (spec.volumes ?? []).find((volume) => volume.name.startsWith(volumePrefix));
  const name = present?.name ?? `${volumePrefix}${random.suffix(5)}`;
  let used = false;
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])] as Container[]) {
    if ((container.volumeMounts ?? []).some((mount) => mount.mountPath === tokenPath)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }];
    used = true;
  }
  if (used && present === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}
