import { qualifiedNameFaults } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

const standard = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** What is the same for every custom resource. */
export const customStrategy: Strategy = {
  allowCreateOnUpdate: false,
  countsGeneration: true,
  demandsResourceVersion: true,
  prepareForCreate(object, context) {
    context.warnings.push(...finalizerWarnings(object, undefined));
  },
  prepareForUpdate(object, old, context) {
    context.warnings.push(...finalizerWarnings(object, old));
  },
  prepareForStatusUpdate(object, old) {
    const { managedFields } = object.metadata;
    object.metadata = { ...old.metadata };
    if (managedFields === undefined) delete object.metadata.managedFields;
    else object.metadata.managedFields = managedFields;
  },
};

/** Finalizers that are new and whose names others may use, too. */
function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const before = new Set(old?.metadata.finalizers ?? []);
  const added = [...new Set(object.metadata.finalizers ?? [])].filter((finalizer) => !before.has(finalizer)).sort();
  return added.flatMap((finalizer) => {
    const warnings = qualifiedNameFaults(finalizer).map((fault) => `metadata.finalizers: ${JSON.stringify(finalizer)}: ${fault}`);
    if (finalizer.includes('/') || standard.has(finalizer)) return warnings;
    const form = finalizer.includes('.') ? 'name including a path (/)' : 'name';
    const why = `prefer a domain-qualified finalizer ${form} to avoid accidental conflicts with other finalizer writers`;
    return [...warnings, `metadata.finalizers: ${JSON.stringify(finalizer)}: ${why}`];
  });
}
