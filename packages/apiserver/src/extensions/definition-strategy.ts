import type { CustomResourceDefinition, KubeObject } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';
import { withConditions } from './definition-conditions.ts';
import { definitionWarnings, validateDefinition } from './definition-validation.ts';
import { sharedPatterns } from './patterns.ts';

/** Keeps a definition until its instances are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Definitions go when their instances are gone; the server keeps count of the versions that were ever stored. */
export function definitionStrategy(now: () => string): Strategy {
  return {
    countsGeneration: true,
    demandsResourceVersion: true,
    historyEvents: 64,
    prepareForCreate(object, context) {
      const definition = object as CustomResourceDefinition;
      context.warnings.push(...definitionWarnings(definition));
      definition.status = { storedVersions: storedVersions(definition, []) };
    },
    prepareForUpdate(object, old, context) {
      const definition = object as CustomResourceDefinition;
      context.warnings.push(...definitionWarnings(definition, old as CustomResourceDefinition));
      const { status } = old as CustomResourceDefinition;
      definition.status = { ...status, storedVersions: storedVersions(definition, status?.storedVersions ?? []) };
    },
    async faults(object, old, subresource) {
      if (subresource !== '') return [];
      return validateDefinition(object as CustomResourceDefinition, old as CustomResourceDefinition | undefined, await sharedPatterns());
    },
    isHeld: (object) => object.metadata.deletionTimestamp === undefined,
    whenTerminating(object) {
      const definition = object as CustomResourceDefinition;
      if (definition.status?.conditions?.some((condition) => condition.type === 'Terminating') === true) return object;
      const { finalizers = [] } = object.metadata;
      if (!finalizers.includes(cleanupFinalizer)) object.metadata.finalizers = [...finalizers, cleanupFinalizer];
      const pending = {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      };
      const conditions = withConditions(definition.status?.conditions ?? [], [pending], now());
      return { ...definition, status: { ...definition.status, conditions } } as KubeObject;
    },
  };
}

function storedVersions(definition: CustomResourceDefinition, before: readonly string[]): string[] {
  const storage = definition.spec.versions.find((version) => version.storage)?.name;
  return storage === undefined || before.includes(storage) ? [...before] : [...before, storage];
}
