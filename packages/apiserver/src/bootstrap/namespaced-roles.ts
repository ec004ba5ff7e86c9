import type { PolicyRule } from '@bayplan/api';
import type { BootstrapSubject } from './cluster-roles.ts';
import { read, recordEvents, rule } from './rules.ts';

export interface NamespacedRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  /** The name of its binding, when that is another. */
  readonly binding?: string;
  readonly subjects: readonly BootstrapSubject[];
}

const user = (name: string) => ({ kind: 'User', name }) as const;
const account = (name: string) => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' }) as const;

function leaderLocking(component: string): NamespacedRole {
  const name = `system::leader-locking-${component}`;
  return {
    namespace: 'kube-system',
    name,
    rules: [rule(['watch'], '', 'configmaps'), rule(['get', 'update'], '', 'configmaps', [component])],
    subjects: [user(`system:${component}`), account(component)],
  };
}

/** Every Role that a cluster begins with, and whom it is bound to. */
export const namespacedRoles: readonly NamespacedRole[] = [
  {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication-reader',
    binding: 'system::extension-apiserver-authentication-reader',
    rules: [rule(read, '', 'configmaps', ['extension-apiserver-authentication'])],
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  leaderLocking('kube-controller-manager'),
  leaderLocking('kube-scheduler'),
  {
    namespace: 'kube-system',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(read, '', 'secrets')],
    subjects: [account('bootstrap-signer')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:cloud-provider',
    rules: [rule(['create', ...read, 'update'], '', 'configmaps')],
    subjects: [account('cloud-provider')],
  },
  {
    namespace: 'kube-system',
    name: 'system:controller:token-cleaner',
    rules: [rule(['delete', ...read], '', 'secrets'), ...recordEvents],
    subjects: [account('token-cleaner')],
  },
  {
    // Without credentials it can be reached only where the server is told to let such requests through.
    namespace: 'kube-public',
    name: 'system:bayplan:cluster-info',
    rules: [rule(['get'], '', 'configmaps', ['cluster-info'])],
    subjects: [user('system:anonymous')],
  },
  {
    namespace: 'kube-public',
    name: 'system:controller:bootstrap-signer',
    rules: [rule(read, '', 'configmaps'), rule(['update'], '', 'configmaps', ['cluster-info']), ...recordEvents],
    subjects: [account('bootstrap-signer')],
  },
];
