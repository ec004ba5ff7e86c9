import { fieldForbidden, fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Container, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../../generated/types.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { checkRange, eachOf, maxInt32, omit } from '../faults.ts';
import { unifiedDiff } from '../unified-diff.ts';
import { validatePodAnnotationsUpdate } from './annotations.ts';
import { checkImageText } from './containers.ts';
import { validatePodAgain } from './pod.ts';
import { validateTolerations } from './scheduling.ts';

const spec = FieldPath.of('spec');
const annotations = FieldPath.of('metadata', 'annotations');
const empty: PodSpec = { containers: [] };

const mayChange = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/** Same containers as before, with other images at most. False when they are not the same, and nothing more can be said. */
function checkContainers(next: MaybeList<Container>, old: MaybeList<Container>, path: FieldPath, faults: Faults): boolean {
  if ((next ?? []).length !== (old ?? []).length) {
    faults.push(fieldForbidden(path, 'pod updates may not add or remove containers'));
    return false;
  }
  eachOf(next, path, (container, here) => {
    if (!container.image) faults.push(fieldRequired(here.child('image')));
    checkImageText(container, here, faults);
  });
  return true;
}

function checkDeadline(next: number | undefined, old: number | undefined, faults: Faults): void {
  const here = spec.child('activeDeadlineSeconds');
  if (next === undefined) {
    if (old !== undefined) faults.push(fieldInvalid(here, null, 'must not update from a positive integer to nil value'));
    return;
  }
  checkRange(next, 0, maxInt32, here, faults);
  if (old !== undefined && old < next) faults.push(fieldInvalid(here, next, 'must be less than or equal to previous value'));
}

function checkTolerations(next: MaybeList<Toleration>, old: MaybeList<Toleration>, faults: Faults): void {
  const here = spec.child('tolerations');
  const fixed = (toleration: Toleration): object => omit(toleration, 'tolerationSeconds');
  const kept = (old ?? []).every((one) => next?.some((other) => sameJson(fixed(one), fixed(other))) === true);
  if (!kept) faults.push(fieldForbidden(here, 'existing toleration can not be modified except its tolerationSeconds'));
  validateTolerations(next, here, faults);
}

function checkGates(next: PodSpec, old: PodSpec, faults: Faults): void {
  eachOf(next.schedulingGates, spec.child('schedulingGates'), ({ name }, here) => {
    if (old.schedulingGates?.some((gate) => gate.name === name) === true) return;
    faults.push(fieldForbidden(here.child('name'), `only deletion is allowed, but found new scheduling gate '${name}'`));
  });
}

function startsWith(list: readonly unknown[] | undefined, start: readonly unknown[] | undefined): boolean {
  return sameJson((list ?? []).slice(0, (start ?? []).length), start ?? []);
}

/** Whether a term asks for what it asked for, and maybe more. A term that matches nothing cannot begin to match. */
function onlyAdds(next: NodeSelectorTerm | undefined, old: NodeSelectorTerm): boolean {
  const wasEmpty = (old.matchExpressions ?? []).length === 0 && (old.matchFields ?? []).length === 0;
  const isEmpty = (next?.matchExpressions ?? []).length === 0 && (next?.matchFields ?? []).length === 0;
  if (wasEmpty && !isEmpty) return false;
  return startsWith(next?.matchExpressions, old.matchExpressions) && startsWith(next?.matchFields, old.matchFields);
}

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Where a pod may run can be narrowed while its gates hold it back. */
function checkNarrowing(next: PodSpec, old: PodSpec, faults: Faults): void {
  const narrowed = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => next.nodeSelector?.[key] === value);
  if (!narrowed) {
    const fault = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    faults.push(fieldInvalid(spec.child('nodeSelector'), next.nodeSelector ?? null, fault));
  }
  const before = old.affinity?.nodeAffinity?.[hard]?.nodeSelectorTerms ?? [];
  const after = next.affinity?.nodeAffinity?.[hard]?.nodeSelectorTerms ?? [];
  if (before.length === 0 || sameJson(old.affinity?.nodeAffinity, next.affinity?.nodeAffinity)) return;
  const here = spec.child('affinity', 'nodeAffinity', hard, 'nodeSelectorTerms');
  if (before.length !== after.length) {
    faults.push(fieldInvalid(here, after, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'));
    return;
  }
  for (const [at, term] of before.entries()) {
    if (onlyAdds(after[at], term)) continue;
    faults.push(fieldInvalid(here.index(at), after[at], 'only additions are allowed (no mutations or deletions)'));
  }
}

/** The wanted spec with everything that may change as it was, so that what differs still is a fault. */
function withAllowed(next: PodSpec, old: PodSpec): PodSpec {
  const imagesOf = (now: MaybeList<Container>, before: MaybeList<Container>): Container[] =>
    (now ?? []).map((container, at) => ({ ...container, image: before?.[at]?.image }));
  const kept: PodSpec = {
    ...next,
    containers: imagesOf(next.containers, old.containers),
    initContainers: next.initContainers && imagesOf(next.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1) {
    kept.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  if ((old.schedulingGates ?? []).length === 0) return kept;
  kept.nodeSelector = old.nodeSelector;
  const others = omit(next.affinity, 'nodeAffinity');
  const affinity = { ...others, nodeAffinity: old.affinity?.nodeAffinity };
  kept.affinity = Object.keys(omit(affinity)).length === 0 && old.affinity === undefined ? undefined : affinity;
  return kept;
}

/** A PUT or PATCH of a pod itself. */
export function validatePodUpdate(next: Pod, old: Pod, faults: Faults): void {
  validatePodAgain(next, old, faults);
  validatePodAnnotationsUpdate(next.metadata?.annotations, old.metadata?.annotations, annotations, faults);
  const after = next.spec ?? empty;
  const before = old.spec ?? empty;
  if (!checkContainers(after.containers, before.containers, spec.child('containers'), faults)) return;
  if (!checkContainers(after.initContainers, before.initContainers, spec.child('initContainers'), faults)) return;
  checkDeadline(after.activeDeadlineSeconds, before.activeDeadlineSeconds, faults);
  if (!sameJson(after.tolerations, before.tolerations)) checkTolerations(after.tolerations, before.tolerations, faults);
  checkGates(after, before, faults);
  if (sameJson(after, before)) return;
  if ((before.schedulingGates ?? []).length > 0) checkNarrowing(after, before, faults);
  const rest = withAllowed(after, before);
  if (sameJson(rest, before)) return;
  const fault = `pod updates may not change fields other than ${mayChange.join(',')}\n${unifiedDiff(before, rest)}`;
  faults.push(fieldForbidden(spec, fault));
}

/** Ephemeral containers are added, and stay as they are. */
export function validateEphemeralUpdate(next: Pod, old: Pod, faults: Faults): void {
  validatePodAgain(next, old, faults);
  validatePodAnnotationsUpdate(next.metadata?.annotations, old.metadata?.annotations, annotations, faults);
  if (old.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    faults.length = 0;
    faults.push(fieldForbidden('', 'static pods do not support ephemeral containers'));
    return;
  }
  const here = spec.child('ephemeralContainers');
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const after = next.spec?.ephemeralContainers?.find(({ name }) => name === before.name);
    const named = JSON.stringify(before.name);
    if (after === undefined) faults.push(fieldForbidden(here, `existing ephemeral containers ${named} may not be removed\n`));
    else if (!sameJson(before, after)) {
      faults.push(fieldForbidden(here, `existing ephemeral containers ${named} may not be changed\n${unifiedDiff(before, after)}`));
    }
  }
}
