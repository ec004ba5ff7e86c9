import { isAlreadyExists, isNotFound, resources } from '@bayplan/api';
import type { Deployment, DeploymentStatus, ReplicaSet } from '@bayplan/api';
import { controllerOf, controllerReference } from '../owners/owner-references.ts';
import { namespaceIsTerminating, textOf } from '../pods/pod-control.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { semanticallyEqual } from '../runtime/semantic-equality.ts';
import { conditionOf, withCondition } from './deployment-conditions.ts';
import { podTemplateHashLabel, progressDeadlineMs, replicasOf, revisionAnnotation } from './deployment-spec.ts';
import { sameTemplate, templateHash } from './pod-template.ts';
import { newestAnnotations, sizeAnnotations } from './revisions.ts';
import { newestReplicas } from './rolling-plan.ts';
import type { ScaleStep } from './rolling-plan.ts';

/**
 * One reconcile of one Deployment: what it has written so far. Writes return the objects as the server
 * stored them, so that later steps of the same reconcile see them before the cache does.
 */
export class Rollout {
  readonly #context: ControllerContext;
  /** With conditions that are set and not yet written. */
  deployment: Deployment;
  #stored: DeploymentStatus | undefined;

  constructor(context: ControllerContext, deployment: Deployment) {
    this.#context = context;
    this.deployment = deployment;
    this.#stored = deployment.status;
  }

  /** Writes the status, with the revision as annotation, when either differs. */
  async writeStatus(status: DeploymentStatus, revision?: string): Promise<void> {
    const { deployment } = this;
    const { client, signal } = this.#context;
    const annotations = deployment.metadata.annotations ?? {};
    const newRevision = revision !== undefined && annotations[revisionAnnotation] !== revision ? revision : undefined;
    const { namespace, name = '' } = deployment.metadata;
    if (newRevision !== undefined) {
      const metadata = { annotations: { [revisionAnnotation]: newRevision } };
      this.deployment = await client.patch(resources.deployments, { namespace, name }, 'merge', { metadata }, { signal });
    }
    if (semanticallyEqual(this.#stored, status)) return;
    this.deployment = await client.update(resources.deployments, { ...this.deployment, status }, { subresource: 'status', signal });
    this.#stored = this.deployment.status;
  }

  /** Sets the `Progressing` condition in memory; it is written with the status. */
  progress(value: string, reason: string, message: string): void {
    if (progressDeadlineMs(this.deployment) === undefined) return;
    const conditions = withCondition(
      this.deployment.status?.conditions ?? [],
      { type: 'Progressing', status: value, reason, message },
      this.#context.clock.now(),
    );
    this.deployment = { ...this.deployment, status: { ...this.deployment.status, conditions } };
  }

  /** Brings annotations and `minReadySeconds` of the newest ReplicaSet up to date. */
  async updateNewest(newest: ReplicaSet, revision: number): Promise<ReplicaSet> {
    const { client, signal } = this.#context;
    const annotations = newestAnnotations(this.deployment, newest, revision);
    const minReadySeconds = this.deployment.spec?.minReadySeconds ?? 0;
    if (conditionOf(this.deployment.status, 'Progressing') === undefined) {
      this.progress('True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name ?? ''}"`);
    }
    if (semanticallyEqual(annotations, newest.metadata.annotations ?? {}) && (newest.spec?.minReadySeconds ?? 0) === minReadySeconds)
      return newest;
    const spec = { ...newest.spec, selector: newest.spec?.selector ?? {}, minReadySeconds };
    return client.update(resources.replicaSets, { ...newest, metadata: { ...newest.metadata, annotations }, spec }, { signal });
  }

  /** Creates the ReplicaSet of the Deployment's template. */
  async createNewest(old: readonly ReplicaSet[], revision: number): Promise<ReplicaSet> {
    const { client, signal, recorder } = this.#context;
    const { deployment } = this;
    const hash = templateHash(deployment.spec?.template, deployment.status?.collisionCount);
    const { namespace, name = '' } = deployment.metadata;
    const template = deployment.spec?.template ?? {};
    const labels = { ...template.metadata?.labels, [podTemplateHashLabel]: hash };
    const selector = deployment.spec?.selector ?? {};
    const replicas = newestReplicas(deployment, old, 0);
    const wanted: ReplicaSet = {
      metadata: {
        ...(namespace ? { namespace } : {}),
        name: `${name}-${hash}`,
        labels,
        annotations: newestAnnotations(deployment, undefined, revision),
        ownerReferences: [controllerReference(resources.deployments, deployment)],
      },
      spec: {
        replicas,
        ...(deployment.spec?.minReadySeconds ? { minReadySeconds: deployment.spec.minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [podTemplateHashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    try {
      const created = await client.create(resources.replicaSets, wanted, { signal });
      if (replicas > 0)
        this.#report('Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name ?? ''} from 0 to ${String(replicas)}`);
      this.progress('True', 'NewReplicaSetCreated', `Created new replica set "${created.metadata.name ?? ''}"`);
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) return this.#resolveCollision(wanted);
      if (namespaceIsTerminating(error)) throw error;
      const message = `Failed to create new replica set "${wanted.metadata.name ?? ''}": ${textOf(error)}`;
      this.progress('False', 'ReplicaSetCreateError', message);
      recorder.event({ ref: resources.deployments, object: deployment }, 'Warning', 'ReplicaSetCreateError', message);
      await this.writeStatus(this.deployment.status ?? {});
      throw error;
    }
  }

  /** The name is taken: by our own ReplicaSet that the cache lacks, or by one whose hash collides. */
  async #resolveCollision(wanted: ReplicaSet): Promise<ReplicaSet> {
    const { client, signal } = this.#context;
    const { namespace, name = '' } = wanted.metadata;
    const existing = await client.get(resources.replicaSets, { namespace, name }, { signal });
    const ours = controllerOf(existing)?.uid === this.deployment.metadata.uid;
    if (ours && sameTemplate(existing.spec?.template, this.deployment.spec?.template)) return existing;
    const status = { ...this.deployment.status, collisionCount: (this.deployment.status?.collisionCount ?? 0) + 1 };
    await this.writeStatus(status);
    throw new Error(`The name of ReplicaSet ${name} was taken; the next try uses another`);
  }

  /** Sizes one ReplicaSet and reports it. Returns the ReplicaSet as it is then. */
  async scale(step: ScaleStep): Promise<ReplicaSet> {
    const { client, signal } = this.#context;
    const { replicaSet, replicas } = step;
    const before = replicasOf(replicaSet);
    const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(this.deployment) };
    if (before === replicas && semanticallyEqual(annotations, replicaSet.metadata.annotations)) return replicaSet;
    const spec = { ...replicaSet.spec, selector: replicaSet.spec?.selector ?? {}, replicas };
    const updated = await client.update(
      resources.replicaSets,
      { ...replicaSet, metadata: { ...replicaSet.metadata, annotations }, spec },
      { signal },
    );
    if (before !== replicas) {
      const name = replicaSet.metadata.name ?? '';
      const direction = before < replicas ? 'up' : 'down';
      this.#report('Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${name} from ${String(before)} to ${String(replicas)}`);
    }
    return updated;
  }

  async deleteHistory(doomed: readonly ReplicaSet[]): Promise<void> {
    const { client, signal } = this.#context;
    for (const replicaSet of doomed) {
      const { namespace, name = '', uid } = replicaSet.metadata;
      try {
        await client.delete(resources.replicaSets, { namespace, name }, { ...(uid ? { preconditions: { uid } } : {}), signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #report(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.recorder.event({ ref: resources.deployments, object: this.deployment }, type, reason, message);
  }
}
