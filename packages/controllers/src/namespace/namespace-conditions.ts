import type { Namespace, NamespaceCondition } from '@bayplan/api';
import { timestamp } from '@bayplan/component-base';
import type { RemainingContent } from './namespace-content.ts';

/** The conditions that tell a waiting user what holds up the deletion. */
export function deletionConditions(namespace: Namespace, content: readonly RemainingContent[], nowMs: number): NamespaceCondition[] {
  const failures = content.flatMap((one) => one.failure ?? []);
  const remaining = content.filter((one) => one.objects.length > 0);
  const finalizers = new Map<string, number>();
  for (const one of remaining) {
    for (const object of one.objects)
      for (const finalizer of object.metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  const contentText = remaining.map((one) => `${qualified(one)} has ${String(one.objects.length)} resource instances`).sort();
  const finalizerText = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${String(count)} resource instances`).sort();
  const wanted = [
    condition('NamespaceDeletionDiscoveryFailure', false, '', 'ResourcesDiscovered', 'All resources successfully discovered'),
    condition('NamespaceDeletionGroupVersionParsingFailure', false, '', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'),
    condition(
      'NamespaceDeletionContentFailure',
      failures.length > 0,
      'ContentDeletionFailed',
      'ContentDeleted',
      failures.length > 0
        ? `Failed to delete all resource types, ${String(failures.length)} remaining: ${failures.join(', ')}`
        : 'All content successfully deleted, may be waiting on finalization',
    ),
    condition(
      'NamespaceContentRemaining',
      remaining.length > 0,
      'SomeResourcesRemain',
      'ContentRemoved',
      remaining.length > 0 ? `Some resources are remaining: ${contentText.join(', ')}` : 'All content successfully removed',
    ),
    condition(
      'NamespaceFinalizersRemaining',
      finalizers.size > 0,
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      finalizers.size > 0
        ? `Some content in the namespace has finalizers remaining: ${finalizerText.join(', ')}`
        : 'All content-preserving finalizers finished',
    ),
  ];
  const now = timestamp(nowMs);
  return wanted.map((next) => {
    const before = namespace.status?.conditions?.find((one) => one.type === next.type);
    return { ...next, lastTransitionTime: before?.status === next.status ? (before.lastTransitionTime ?? now) : now };
  });
}

function condition(type: string, holds: boolean, reasonWhenTrue: string, reasonWhenFalse: string, message: string): NamespaceCondition {
  return { type, status: holds ? 'True' : 'False', reason: holds ? reasonWhenTrue : reasonWhenFalse, message };
}

function qualified({ ref }: RemainingContent): string {
  return `${ref.resource}.${ref.group}`;
}
