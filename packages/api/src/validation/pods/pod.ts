import { fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { FieldError } from '../../errors/field-error.ts';
import type { Container, Pod, PodSpec, PodTemplate } from '../../generated/types.ts';
import type { Faults, MaybeList } from '../faults.ts';
import { eachOf } from '../faults.ts';
import { validateMatchingProfiles, validatePodAnnotations } from './annotations.ts';
import { checkImageText } from './containers.ts';
import type { PodLeniency } from './context.ts';
import { validatePodSpec, validatePodTemplate } from './pod-spec.ts';

const specPath = FieldPath.of('spec');
const annotationsPath = FieldPath.of('metadata', 'annotations');
const empty: PodSpec = { containers: [] };

function validatePodWith(pod: Pod, lenient: PodLeniency, faults: Faults): void {
  const { metadata = {}, spec = empty } = pod;
  validatePodAnnotations(metadata.annotations, spec, lenient, annotationsPath, faults);
  validatePodSpec(spec, { meta: metadata, lenient }, specPath, faults);
  if (!spec.serviceAccountName) {
    eachOf(spec.volumes, specPath.child('volumes'), ({ projected }, here) => {
      eachOf(projected?.sources, here.child('projected', 'sources'), ({ serviceAccountToken }, at) => {
        if (serviceAccountToken === undefined) return;
        faults.push(fieldForbidden(at.child('serviceAccountToken'), 'must not be specified when serviceAccountName is not set'));
      });
    });
  }
  eachOf(spec.containers as MaybeList<Container>, specPath.child('containers'), (container, here) => {
    checkImageText(container, here, faults);
  });
  eachOf(spec.initContainers, specPath.child('initContainers'), (container, here) => {
    checkImageText(container, here, faults);
  });
}

export function validatePodCreate(pod: Pod, faults: Faults): void {
  validatePodWith(pod, {}, faults);
  const spec = pod.spec ?? empty;
  if ((spec.ephemeralContainers ?? []).length > 0) {
    faults.push(fieldForbidden(specPath.child('ephemeralContainers'), 'cannot be set on create'));
  }
  if (spec.nodeName && (spec.schedulingGates ?? []).length > 0) {
    faults.push(fieldForbidden(specPath.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  }
  validateMatchingProfiles(pod.metadata?.annotations, spec, specPath, faults);
}

/**
 * The pod as it is, after an update. What its earlier state was not sound in by today's rules may stay
 * that way: it was allowed once.
 */
export function validatePodAgain(pod: Pod, old: Pod, faults: Faults): void {
  const found: FieldError[] = [];
  validatePodWith(pod, {}, found);
  // Nearly every update is of a sound pod, so the older state is only looked at after a fault.
  if (found.length > 0) {
    found.length = 0;
    validatePodWith(pod, leniencyFor(old), found);
  }
  faults.push(...found);
}

function leniencyFor(old: Pod): PodLeniency {
  const has = (lenient: PodLeniency): boolean => {
    const strictly: FieldError[] = [];
    const leniently: FieldError[] = [];
    validatePodWith(old, {}, strictly);
    validatePodWith(old, lenient, leniently);
    return leniently.length < strictly.length;
  };
  const kinds = ['selectorValues', 'spreadSelectors', 'nodeAffinityValues', 'tokenPaths', 'hostSysctls', 'deletionCost'] as const;
  return Object.fromEntries(kinds.map((kind) => [kind, has({ [kind]: true })]));
}

export function validatePodTemplateObject({ template }: PodTemplate, faults: Faults): void {
  validatePodTemplate(template ?? {}, FieldPath.of('template'), faults);
}

/** The target of a binding. */
export function bindingFaults(kind: string | undefined, name: string | undefined): FieldError[] {
  const target = FieldPath.of('target');
  const faults: FieldError[] = [];
  if (kind && kind !== 'Node') {
    faults.push({
      ...fieldInvalid(target.child('kind'), kind, ''),
      type: 'FieldValueNotSupported',
      body: `Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`,
    });
  }
  if (!name) faults.push({ type: 'FieldValueRequired', field: 'target.name', body: 'Required value' });
  return faults;
}
