import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@bayplan/api';
import type { User } from '../chain/user.ts';
import type { CacheEntry } from '../registry/cache-event.ts';
import type { Registry } from '../registry/registry.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { noOpinion } from './authorizer.ts';
import type { Access, Authorizer, Decision, KnownRules, ResourceAccess } from './authorizer.ts';
import { nodeRules } from './node-rules.ts';
import { referencesOf, secretsOfVolume } from './pod-references.ts';
import { ruleAllows } from './rbac-rules.ts';

const namePrefix = 'system:node:';
const nodesGroup = 'system:nodes';
const leaseNamespace = 'kube-node-lease';
const reading = new Set(['get', 'list', 'watch']);
const keeping = new Set(['get', 'create', 'update', 'patch', 'delete']);
/** On a volume that is a folder: the node that has it. */
const localVolumeLabel = 'bayplan.io/local-path-node';
const allowed: Decision = { verdict: 'allow', reason: '' };
const no = (reason: string): Decision => ({ verdict: 'no-opinion', reason });

/** The node that a user is the agent of; undefined when it is none. */
export function nodeNameOf(user: User): string | undefined {
  return user.groups.includes(nodesGroup) && user.name.startsWith(namePrefix) ? user.name.slice(namePrefix.length) : undefined;
}

/** Whether an object, that a request names, belongs to what runs on a node. */
type Relation = (node: string, access: ResourceAccess) => Promise<boolean>;

/**
 * What a node's agent may do: a fixed set of rules, and of Secrets, ConfigMaps, claims, volumes and
 * ServiceAccount tokens only those that a pod on its node refers to.
 */
export class NodeAuthorizer implements Authorizer {
  private readonly registry: Registry;
  private readonly pods: ResourceCache;

  constructor(registry: Registry) {
    this.registry = registry;
    this.pods = registry.stored('', 'v1', 'pods').storage.cache;
  }

  async authorize(user: User, access: Access): Promise<Decision> {
    const node = nodeNameOf(user);
    if (node === undefined) return noOpinion;
    if (node === '') return no(`unknown node for user ${JSON.stringify(user.name)}`);
    if (access.kind === 'path') return noOpinion;
    return (await this.special(node, access)) ?? (nodeRules.some((rule) => ruleAllows(rule, access)) ? allowed : noOpinion);
  }

  rulesFor(user: User): Promise<KnownRules> {
    const isNode = nodeNameOf(user) !== undefined;
    return Promise.resolve({
      rules: isNode ? nodeRules : [],
      incomplete: isNode,
      errors: isNode ? ['node authorizer does not support user rule resolution'] : [],
    });
  }

  /** Undefined: the fixed rules decide. */
  private special(node: string, access: ResourceAccess): Promise<Decision> | Decision | undefined {
    switch (`${access.group}/${access.resource}`) {
      case '/secrets':
      case '/configmaps':
        return this.readNamespaced(node, access);
      case '/persistentvolumeclaims':
        return access.subresource === 'status' ? this.updateStatus(node, access) : this.getOnly(node, access, this.ofPod);
      case '/persistentvolumes':
        return this.localVolume(node, access);
      case '/serviceaccounts':
        return access.subresource === 'token' || access.verb === 'create' ? this.createToken(node, access) : undefined;
      case '/nodes':
        return access.subresource === '' && reading.has(access.verb) ? readNodes(node, access) : undefined;
      case '/pods':
        return access.subresource === '' && reading.has(access.verb) ? this.readPods(node, access) : undefined;
      case 'resource.k8s.io/resourceclaims':
        return this.getOnly(node, access, this.ofPod);
      case 'resource.k8s.io/resourceslices':
        return this.slices(node, access);
      case 'storage.k8s.io/volumeattachments':
        return this.getOnly(node, access, this.named('storage.k8s.io', 'volumeattachments'));
      case 'storage.k8s.io/csinodes':
        return ownObject(node, access, 'CSINode');
      case 'coordination.k8s.io/leases':
        return ownLease(node, access);
      default:
        return undefined;
    }
  }

  private readNamespaced(node: string, access: ResourceAccess): Promise<Decision> | Decision {
    if (!reading.has(access.verb)) return no('can only read resources of this type');
    if (access.subresource !== '') return no('cannot read subresource');
    if (access.namespace === '') return no('can only read namespaced object of this type');
    return this.related(node, access, access.resource === 'secrets' ? this.ofSecret : this.ofPod);
  }

  private getOnly(node: string, access: ResourceAccess, relation: Relation): Promise<Decision> | Decision {
    if (access.verb !== 'get' || access.name === '') return no('can only get individual resources of this type');
    if (access.subresource !== '') return no('cannot get subresource');
    return this.related(node, access, relation);
  }

  /** Volumes that are folders on the node are removed by its agent; others are as for every node. */
  private async localVolume(node: string, access: ResourceAccess): Promise<Decision> {
    const { verb, subresource, name } = access;
    if (subresource === '' && (verb === 'list' || verb === 'watch') && labelled(access, localVolumeLabel, node)) return allowed;
    if (subresource === '' && (verb === 'get' || verb === 'patch')) {
      const volumes = await this.cacheOf('', 'persistentvolumes');
      if (volumes.get('', name)?.stored.object.metadata.labels?.[localVolumeLabel] === node) return allowed;
    }
    return this.getOnly(node, access, this.ofVolume);
  }

  private updateStatus(node: string, access: ResourceAccess): Promise<Decision> | Decision {
    if (!['get', 'update', 'patch'].includes(access.verb)) return no('can only get/update/patch this type');
    return this.related(node, access, this.ofPod);
  }

  private createToken(node: string, access: ResourceAccess): Promise<Decision> | Decision {
    if (access.verb !== 'create' || access.name === '') return no('can only create tokens for individual service accounts');
    if (access.subresource !== 'token') return no('can only create token subresource of serviceaccount');
    return this.related(node, access, this.ofPod);
  }

  private readPods(node: string, access: ResourceAccess): Promise<Decision> | Decision {
    if (access.verb === 'get') return this.related(node, access, this.itself);
    if (narrowedTo(access, 'spec.nodeName', node)) return allowed;
    if (access.name !== '') return this.related(node, access, this.itself);
    return no('can only list/watch pods with spec.nodeName field selector');
  }

  private slices(node: string, access: ResourceAccess): Promise<Decision> | Decision {
    if (access.subresource !== '') return no('cannot authorize ResourceSlice subresources');
    switch (access.verb) {
      case 'create':
        return allowed;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.related(node, access, this.named('resource.k8s.io', 'resourceslices'));
      case 'list':
      case 'watch':
      case 'deletecollection':
        return narrowedTo(access, 'spec.nodeName', node)
          ? allowed
          : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
      default:
        return no(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        );
    }
  }

  private async related(node: string, access: ResourceAccess, relation: Relation): Promise<Decision> {
    if (access.name === '') return no(`No Object name found`);
    // Twice: what relates them may be newer than what the cache has seen.
    await this.pods.start();
    if (await relation(node, access)) return allowed;
    await this.pods.fresh();
    if (await relation(node, access)) return allowed;
    return no(`no relationship found between node '${node}' and this object`);
  }

  private podsOn(node: string, namespace: string | undefined): readonly CacheEntry[] {
    return this.pods.list({ indexValue: node, matches: () => true, namespace });
  }

  private readonly itself: Relation = (node, { namespace, name }) => {
    const pod = this.pods.get(namespace, name)?.stored.object as Pod | undefined;
    return Promise.resolve(pod?.spec?.nodeName === node);
  };

  private readonly ofPod: Relation = (node, { namespace, resource, name }) =>
    Promise.resolve(
      this.podsOn(node, namespace).some(({ stored }) => {
        const references = referencesOf(stored.object as Pod);
        return references[resource as keyof typeof references].has(name);
      }),
    );

  private readonly ofVolume: Relation = async (node, { name }) => {
    const claims = await this.cacheOf('', 'persistentvolumeclaims');
    for (const { stored, namespace } of this.podsOn(node, undefined)) {
      for (const claim of referencesOf(stored.object as Pod).persistentvolumeclaims) {
        const object = claims.get(namespace, claim)?.stored.object as PersistentVolumeClaim | undefined;
        if (object?.spec?.volumeName === name) return true;
      }
    }
    return false;
  };

  /** By a pod, or by a volume that a claim of a pod is bound to. */
  private readonly ofSecret: Relation = async (node, access) => {
    if (await this.ofPod(node, access)) return true;
    const claims = await this.cacheOf('', 'persistentvolumeclaims');
    const volumes = await this.cacheOf('', 'persistentvolumes');
    for (const { stored, namespace } of this.podsOn(node, undefined)) {
      for (const claim of referencesOf(stored.object as Pod).persistentvolumeclaims) {
        const bound = (claims.get(namespace, claim)?.stored.object as PersistentVolumeClaim | undefined)?.spec?.volumeName;
        const volume = bound ? (volumes.get('', bound)?.stored.object as PersistentVolume | undefined) : undefined;
        if (volume !== undefined && secretsOfVolume(volume).has(`${access.namespace}/${access.name}`)) return true;
      }
    }
    return false;
  };

  /** Objects that name their node in `spec.nodeName`. */
  private named(group: string, resource: string): Relation {
    return async (node, { name }) => {
      const object = (await this.cacheOf(group, resource)).get('', name)?.stored.object as { spec?: { nodeName?: string } } | undefined;
      return object?.spec?.nodeName === node;
    };
  }

  private async cacheOf(group: string, resource: string): Promise<ResourceCache> {
    const { cache } = this.registry.stored(group, 'v1', resource).storage;
    await cache.start();
    return cache;
  }
}

function narrowedTo(access: ResourceAccess, field: string, value: string): boolean {
  return (access.selectors?.().field ?? []).some(
    ({ key, operator, values }) => key === field && operator === 'In' && values.length === 1 && values[0] === value,
  );
}

function labelled(access: ResourceAccess, label: string, value: string): boolean {
  return (access.selectors?.().label ?? []).some(
    ({ key, operator, values }) => key === label && operator === 'In' && values.length === 1 && values[0] === value,
  );
}

function readNodes(node: string, { name }: ResourceAccess): Decision {
  if (name === node) return allowed;
  return no(
    name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

function ownObject(node: string, { verb, name, subresource }: ResourceAccess, kind: string): Decision {
  if (!keeping.has(verb)) return no(`can only get, create, update, patch, or delete a ${kind}`);
  if (subresource !== '') return no(`cannot authorize ${kind} subresources`);
  // The name of an object that is being made is not known yet: admission checks it.
  if (verb !== 'create' && name !== node) return no(`can only access ${kind} with the same name as the requesting node`);
  return allowed;
}

function ownLease(node: string, { verb, namespace, name }: ResourceAccess): Decision {
  if (!keeping.has(verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace) return no(`can only access leases in the ${JSON.stringify(leaseNamespace)} system namespace`);
  if (verb !== 'create' && name !== node) return no('can only access node lease with the same name as the requesting node');
  return allowed;
}
