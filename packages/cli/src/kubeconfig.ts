import { stringify } from 'yaml';

export interface KubeconfigOptions {
  /** Such as `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly caPem: string;
  readonly user: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** A kubeconfig with one cluster, user and context, all PEM embedded. */
export function kubeconfigYaml(options: KubeconfigOptions): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bayplan', cluster: { server: options.server, 'certificate-authority-data': base64(options.caPem) } }],
    users: [
      { name: options.user, user: { 'client-certificate-data': base64(options.certPem), 'client-key-data': base64(options.keyPem) } },
    ],
    contexts: [{ name: 'bayplan', context: { cluster: 'bayplan', user: options.user } }],
    'current-context': 'bayplan',
  });
}
