import type { Pod, PolicyRule } from '@bayplan/api';
import type { User } from '../chain/user.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { noOpinion } from './authorizer.ts';
import type { Access, Authorizer, Decision, ResourceAccess } from './authorizer.ts';
import { nodeRules } from './node-rules.ts';
import { referencesOf } from './pod-references.ts';
import { ruleAllows } from './rbac-rules.ts';

const namePrefix = 'system:node:';
const nodesGroup = 'system:nodes';
const reading = new Set(['get', 'list', 'watch']);
/** On a volume that is a folder: the node that has it. */
const localVolumeLabel = 'bayplan.io/local-path-node';
const allowed: Decision = { verdict: 'allow', reason: '' };

/** The node that a user is the agent of; undefined when it is none. */
export function nodeNameOf(user: User): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith(namePrefix) ? user.name.slice(namePrefix.length) : undefined;
}

/**
 * What a node's agent may do: a fixed set of rules, and of Secrets, ConfigMaps, claims, volumes and
 * ServiceAccount tokens only those that a pod on its node refers to.
 */
export class NodeAuthorizer implements Authorizer {
  private readonly pods: ResourceCache;
  private readonly claims: ResourceCache;
  private readonly volumes: ResourceCache;

  constructor(registry: Registry) {
    this.pods = registry.stored('', 'v1', 'pods').storage.cache;
    this.volumes = registry.stored('', 'v1', 'persistentvolumes').storage.cache;
    this.claims = registry.stored('', 'v1', 'persistentvolumeclaims').storage.cache;
  }

  async authorize(user: User, access: Access): Promise<Decision> {
    const node = nodeNameOf(user);
    if (node === undefined || access.kind === 'path') return noOpinion;
    if (access.group === '') {
      switch (access.resource) {
        case 'secrets':
        case 'configmaps':
          return this.readReferenced(node, access);
        case 'persistentvolumes':
          if (await this.keepsVolume(node, access)) return allowed;
          return access.verb === 'get' ? this.readReferenced(node, access) : noOpinion;
        case 'persistentvolumeclaims':
          return access.verb === 'get' ? this.readReferenced(node, access) : noOpinion;
        case 'serviceaccounts':
          return access.verb === 'create' && access.subresource === 'token'
            ? this.readReferenced(node, access)
            : this.byRules(access, nodeRules);
        default:
      }
    }
    if (access.group === 'coordination.k8s.io' && access.resource === 'leases') {
      const own = access.namespace === 'kube-node-lease' && (access.name === node || access.verb === 'create');
      return own ? allowed : noOpinion;
    }
    if (access.group === 'storage.k8s.io' && access.resource === 'csinodes')
      return access.name === node || access.verb === 'create' ? allowed : noOpinion;
    return this.byRules(access, nodeRules);
  }

  /** Whether an access is to volumes that are folders on the node: its agent removes them. */
  private async keepsVolume(node: string, access: ResourceAccess): Promise<boolean> {
    if (access.subresource !== '') return false;
    if (access.verb === 'list' || access.verb === 'watch') return access.labelSelector === `${localVolumeLabel}=${node}`;
    if (access.verb !== 'get' && access.verb !== 'patch') return false;
    await this.volumes.start();
    return this.volumes.get('', access.name)?.stored.object.metadata.labels?.[localVolumeLabel] === node;
  }

  private byRules(access: ResourceAccess, rules: readonly PolicyRule[]): Decision {
    return rules.some((rule) => ruleAllows(rule, access)) ? allowed : noOpinion;
  }

  private async readReferenced(node: string, access: ResourceAccess): Promise<Decision> {
    if (access.resource !== 'serviceaccounts' && (!reading.has(access.verb) || access.subresource !== '')) return noOpinion;
    if (access.name === '') return { verdict: 'no-opinion', reason: 'can only read resources of this type by name' };
    // Twice: the pod may be newer than what the cache has seen.
    await this.pods.start();
    if (await this.refersTo(node, access)) return allowed;
    await this.pods.fresh();
    if (await this.refersTo(node, access)) return allowed;
    return { verdict: 'no-opinion', reason: `no relationship found between node '${node}' and this object` };
  }

  private async refersTo(node: string, access: ResourceAccess): Promise<boolean> {
    const onNode = this.pods.list({
      indexValue: node,
      matches: () => true,
      namespace: access.resource === 'persistentvolumes' ? undefined : access.namespace,
    });
    for (const { stored, namespace } of onNode) {
      const references = referencesOf(stored.object as Pod);
      if (access.resource === 'persistentvolumes') {
        await this.claims.start();
        for (const claim of references.persistentvolumeclaims) {
          const object = this.claims.get(namespace, claim)?.stored.object as { spec?: { volumeName?: string } } | undefined;
          if (object?.spec?.volumeName === access.name) return true;
        }
      } else if (references[access.resource as keyof typeof references].has(access.name)) return true;
    }
    return false;
  }
}
