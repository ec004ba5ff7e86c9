import type { DaemonSet } from '@bayplan/api';
import { sameJson } from '@bayplan/api';
import type { Strategy } from '../registry/strategy.ts';

const templateGeneration = 'deprecated.daemonset.template.generation';

/** How often the template has changed is counted in an annotation, which clients cannot set back. */
export const daemonSetStrategy: Strategy = {
  countsGeneration: true,
  prepareForCreate(object) {
    const given = Number(object.metadata.annotations?.[templateGeneration] ?? 0);
    setGeneration(object as DaemonSet, given < 1 || Number.isNaN(given) ? 1 : given);
  },
  prepareForUpdate(object, old) {
    const before = old as DaemonSet;
    const next = object as DaemonSet;
    const last = Number(before.metadata?.annotations?.[templateGeneration] ?? 0);
    const changed = !sameJson(next.spec?.template, before.spec?.template);
    if (last > 0 || changed) setGeneration(next, last + (changed ? 1 : 0));
  },
};

function setGeneration({ metadata = {} }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}
