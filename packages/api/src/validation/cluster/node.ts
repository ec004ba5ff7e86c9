import { fieldDuplicate, fieldForbidden, fieldInvalid } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { Namespace, Node, Taint } from '../../generated/types.ts';
import { labelValueFaults, qualifiedNameFaults } from '../../names.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { checkOneOf, checkSyntax, eachOf } from '../faults.ts';
import { checkCidr, isDualStack } from '../ip.ts';
import { taintEffects } from '../pods/scheduling.ts';
import { validateAmountOf } from '../resources.ts';

const spec = FieldPath.of('spec');
// Kubernetes names taints as if they were metadata.
const taintsPath = FieldPath.of('metadata', 'taints');
const rangesPath = spec.child('podCIDRs');

function validateTaints(taints: readonly Taint[] | undefined, faults: Faults): void {
  const seen = new Set<string>();
  eachOf(taints, taintsPath, (taint, here) => {
    const { key, value = '', effect } = taint;
    checkSyntax(key, qualifiedNameFaults, here.child('key'), faults);
    const texts = labelValueFaults(value);
    if (texts.length > 0) faults.push(fieldInvalid(here.child('value'), value, texts.join(';')));
    checkOneOf(effect, taintEffects, here.child('effect'), faults, true);
    const identity = `${effect}:${key}`;
    if (seen.has(identity)) {
      const fault = fieldDuplicate(here, taint);
      faults.push({ ...fault, body: `${fault.body}: taints must be unique by key and effect pair` });
    }
    seen.add(identity);
  });
}

function validateAmounts({ status }: Node, faults: Faults): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, text] of Object.entries(status?.[field] ?? {})) {
      validateAmountOf(name, text, FieldPath.of('status', field, name), faults);
    }
  }
}

export function validateNode(node: Node, faults: Faults): void {
  validateTaints(node.spec?.taints, faults);
  validateAmounts(node, faults);
  const ranges = node.spec?.podCIDRs ?? [];
  eachOf(ranges, rangesPath, (range, here) => {
    checkCidr(range, here, faults);
  });
  if (ranges.length > 1 && (ranges.length > 2 || !isDualStack(ranges))) {
    faults.push(fieldInvalid(rangesPath, ranges, 'may specify no more than one CIDR for each IP family'));
  }
}

/** Also of a write to the status endpoint. */
export function validateNodeUpdate(next: Node, old: Node, faults: Faults): void {
  validateAmounts(next, faults);
  const seen = new Set<string>();
  eachOf(next.status?.addresses, FieldPath.of('status', 'addresses'), (address, here) => {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) faults.push(fieldDuplicate(here, address));
    seen.add(key);
  });
  if ((old.spec?.podCIDRs ?? []).length > 0 && !sameJson(next.spec?.podCIDRs, old.spec?.podCIDRs)) {
    faults.push(fieldForbidden(rangesPath, 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && next.spec?.providerID !== old.spec.providerID) {
    faults.push(fieldForbidden(spec.child('providerID'), 'node updates may not change providerID except from "" to valid'));
  }
  validateTaints(next.spec?.taints, faults);
  if ((next.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) {
    faults.push(fieldForbidden(spec.child('externalID'), 'may not be updated'));
  }
}

const plainFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export function validateNamespace({ spec: wanted }: Namespace, faults: Faults): void {
  for (const finalizer of wanted?.finalizers ?? []) {
    checkSyntax(finalizer, qualifiedNameFaults, spec.child('finalizers'), faults);
    if (!finalizer.includes('/') && !plainFinalizers.has(finalizer)) {
      const fault = 'name is neither a standard finalizer name nor is it fully qualified';
      faults.push(fieldInvalid(spec.child('finalizers'), finalizer, fault));
    }
  }
}

export function validateNamespaceStatus(next: Namespace, _old: Namespace, faults: Faults): void {
  const phase = next.status?.phase ?? '';
  const here = FieldPath.of('status', 'Phase');
  if (next.metadata?.deletionTimestamp === undefined) {
    if (phase !== 'Active') faults.push(fieldInvalid(here, phase, "may only be 'Active' if `deletionTimestamp` is empty"));
  } else if (phase !== 'Terminating') {
    faults.push(fieldInvalid(here, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"));
  }
}
