import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { StatefulSet } from '../../generated/types.ts';
import { dns1123LabelFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkAtMostWhole, checkCountOrPercent, checkNotNegative, checkOptional, isNone, omit } from '../faults.ts';
import { validateAnnotations, validateLabels } from '../object-meta.ts';
import { validatePodAnnotations } from '../pods/annotations.ts';
import { checkLongRunning, checkTemplateLabels, validateOwnSelector } from './pod-owners.ts';

const spec = FieldPath.of('spec');
const template = spec.child('template');

function validateStrategy(strategy: NonNullable<StatefulSet['spec']>['updateStrategy'], faults: Faults): void {
  const here = spec.child('updateStrategy');
  const rolling = strategy?.rollingUpdate;
  if (strategy === undefined) return;
  if (strategy.type === 'OnDelete') {
    if (rolling !== undefined) {
      faults.push(fieldInvalid(here.child('rollingUpdate'), rolling, "only allowed for updateStrategy 'RollingUpdate'"));
    }
  } else if (strategy.type === 'RollingUpdate') {
    if (rolling === undefined) return;
    checkNotNegative(rolling.partition, here.child('rollingUpdate', 'partition'), faults);
    if (rolling.maxUnavailable === undefined) return;
    const there = here.child('rollingUpdate', 'maxUnavailable');
    checkCountOrPercent(rolling.maxUnavailable, there, faults);
    if (isNone(rolling.maxUnavailable)) faults.push(fieldInvalid(there, rolling.maxUnavailable, 'cannot be 0'));
    checkAtMostWhole(rolling.maxUnavailable, there, faults);
  } else if (!strategy.type) faults.push(fieldRequired(here));
  else faults.push(fieldInvalid(here, strategy, "must be 'RollingUpdate' or 'OnDelete'"));
}

export function validateStatefulSet({ spec: wanted }: StatefulSet, faults: Faults): void {
  const management = wanted?.podManagementPolicy;
  if (management !== undefined && management !== 'OrderedReady' && management !== 'Parallel') {
    faults.push(fieldInvalid(spec.child('podManagementPolicy'), management, "must be 'OrderedReady' or 'Parallel'"));
  }
  validateStrategy(wanted?.updateStrategy, faults);
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const policy = wanted?.persistentVolumeClaimRetentionPolicy?.[field];
    if (policy === undefined || policy === 'Retain' || policy === 'Delete') continue;
    faults.push(fieldNotSupported(spec.child('persistentVolumeClaimRetentionPolicy', field), policy, ['Retain', 'Delete']));
  }
  checkNotNegative(wanted?.replicas, spec.child('replicas'), faults);
  checkNotNegative(wanted?.minReadySeconds, spec.child('minReadySeconds'), faults);
  checkNotNegative(wanted?.ordinals?.start, spec.child('ordinals.start'), faults);
  checkNotNegative(wanted?.revisionHistoryLimit, spec.child('revisionHistoryLimit'), faults);
  validateOwnSelector(wanted?.selector, 'statefulset', faults);
  checkTemplateLabels(wanted?.selector, wanted?.template, faults);
  const { metadata } = wanted?.template ?? {};
  // The template's volumes may come of claims that are made for each pod, so its spec is judged when pods are made.
  validateLabels(metadata?.labels, template.child('labels'), faults);
  validateAnnotations(metadata?.annotations, template.child('annotations'), faults);
  validatePodAnnotations(metadata?.annotations, wanted?.template.spec ?? { containers: [] }, {}, template.child('annotations'), faults);
  checkLongRunning(wanted?.template, 'StatefulSet', faults);
}

export function validateStatefulSetCreate({ spec: wanted }: StatefulSet, faults: Faults): void {
  checkOptional(wanted?.serviceName, dns1123LabelFaults, spec.child('serviceName'), faults);
}

const free = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function validateStatefulSetUpdate(next: StatefulSet, old: StatefulSet, faults: Faults): void {
  if (sameJson(omit(next.spec, ...free), omit(old.spec, ...free))) return;
  const names = free.map((name) => `'${name}'`);
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  faults.push(fieldForbidden(spec, `updates to statefulset spec for fields other than ${listed} are forbidden`));
}
