import { isNotFound, resources } from '@bayplan/api';
import type { KubeObject, Pod, PodTemplateSpec, ResourceRef } from '@bayplan/api';
import { controllerReference } from '../owners/owner-references.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';

/** A controller that makes pods from a template, and the object it makes them for. */
export interface PodOwner {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
}

/** The pod that a template describes, controlled by `owner`. The server makes up the end of its name. */
export function podFromTemplate(owner: PodOwner, template: PodTemplateSpec | undefined): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.object.metadata.name ?? ''}-`,
      ...(owner.object.metadata.namespace ? { namespace: owner.object.metadata.namespace } : {}),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(owner.ref, owner.object)],
    },
    ...(template?.spec ? { spec: template.spec } : {}),
  };
}

/** Creates a pod and reports it as an event of its owner. */
export async function createPod(context: ControllerContext, owner: PodOwner, pod: Pod): Promise<Pod> {
  try {
    const created = await context.client.create(resources.pods, pod, { signal: context.signal });
    context.recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name ?? ''}`);
    return created;
  } catch (error) {
    if (!namespaceIsTerminating(error)) context.recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${textOf(error)}`);
    throw error;
  }
}

/** Deletes a pod and reports it as an event of its owner. A pod that is gone already is fine. */
export async function deletePod(context: ControllerContext, owner: PodOwner, pod: Pod): Promise<void> {
  const { namespace, name = '', uid } = pod.metadata;
  try {
    await context.client.delete(
      resources.pods,
      { namespace, name },
      { ...(uid ? { preconditions: { uid } } : {}), signal: context.signal },
    );
    context.recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  } catch (error) {
    if (isNotFound(error)) return;
    context.recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${textOf(error)}`);
    throw error;
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a creation was refused because the namespace is on its way out: nothing to retry or report. */
export function namespaceIsTerminating(error: unknown): boolean {
  const details = (error as { readonly status?: { readonly details?: { readonly causes?: readonly { readonly reason?: string }[] } } })
    .status?.details;
  return details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
}
