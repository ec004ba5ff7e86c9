import type { FieldPath } from '../errors/field-path.ts';
import type { NodeSelectorTerm } from '../generated/types.ts';
import { labelValueFaults } from '../names.ts';

const deprecated: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** Why a label of nodes should not be used any more, if so. */
export function labelDeprecation(label: string): string | undefined {
  return Object.hasOwn(deprecated, label) ? deprecated[label] : undefined;
}

/** Of labels that nodes are chosen by. */
export function warnOfLabels(labels: Readonly<Record<string, string>> | undefined, path: FieldPath, warnings: string[]): void {
  if (!labels) return;
  for (const key in labels) {
    const why = labelDeprecation(key);
    if (why !== undefined) warnings.push(`${path.key(key).toString()}: ${why}`);
  }
}

/** Of a term of node affinity; the values of preferred terms are not validated, so they are looked at here. */
export function warnOfTerm(term: NodeSelectorTerm, checkValues: boolean, path: FieldPath, warnings: string[]): void {
  for (const [at, { key, values }] of (term.matchExpressions ?? []).entries()) {
    const here = path.child('matchExpressions').index(at);
    const why = labelDeprecation(key);
    if (why !== undefined) warnings.push(`${here.child('key').toString()}: ${key} is ${why}`);
    if (!checkValues) continue;
    for (const [position, value] of (values ?? []).entries()) {
      for (const fault of labelValueFaults(value)) {
        warnings.push(`${here.child('values').index(position).toString()}: ${value} is invalid, ${fault}`);
      }
    }
  }
}
