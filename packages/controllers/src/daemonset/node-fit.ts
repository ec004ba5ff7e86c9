import type { DaemonSet, Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration } from '@bayplan/api';

const operators: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [limit]) => isInteger(value) && isInteger(limit) && BigInt(value) > BigInt(limit),
  Lt: (value, [limit]) => isInteger(value) && isInteger(limit) && BigInt(value) < BigInt(limit),
};

function isInteger(text: string | undefined): text is string {
  return text !== undefined && /^-?\d+$/.test(text);
}

/** Tolerations that every pod of a DaemonSet gets, so that it stays where the node is in trouble. */
export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const always: readonly (readonly [string, string])[] = [
    ['node.kubernetes.io/not-ready', 'NoExecute'],
    ['node.kubernetes.io/unreachable', 'NoExecute'],
    ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
    ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
    ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
    ['node.kubernetes.io/unschedulable', 'NoSchedule'],
    ...(spec?.hostNetwork ? ([['node.kubernetes.io/network-unavailable', 'NoSchedule']] as const) : []),
  ];
  const own = spec?.tolerations ?? [];
  const added = always
    .map(([key, effect]) => ({ key, operator: 'Exists', effect }))
    .filter((wanted) => !own.some((one) => one.key === wanted.key && one.effect === wanted.effect && one.operator === 'Exists'));
  return [...own, ...added];
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.key && toleration.key !== taint.key) return false;
    const value = taint.value ?? '';
    switch (toleration.operator ?? 'Equal') {
      case 'Exists':
        return true;
      case 'Equal':
        return (toleration.value ?? '') === value && Boolean(toleration.key);
      case 'Lt':
        return isInteger(value) && isInteger(toleration.value) && BigInt(value) < BigInt(toleration.value);
      case 'Gt':
        return isInteger(value) && isInteger(toleration.value) && BigInt(value) > BigInt(toleration.value);
      default:
        return false;
    }
  });
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const byLabel = term.matchExpressions ?? [];
  const byField = term.matchFields ?? [];
  // A term that asks for nothing matches nothing.
  if (byLabel.length === 0 && byField.length === 0) return false;
  const holds = (requirement: NodeSelectorRequirement, value: string | undefined): boolean =>
    operators[requirement.operator]?.(value, requirement.values ?? []) ?? false;
  return (
    byLabel.every((requirement) => holds(requirement, labels[requirement.key])) &&
    byField.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name))
  );
}

/** Whether `nodeSelector` and the required node affinity let a pod onto a node. */
export function selectsNode(spec: PodSpec | undefined, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([label, value]) => labels[label] === value)) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** What a DaemonSet wants of a node: a pod to be made, or only that one that is there may stay. */
export interface NodeVerdict {
  readonly shouldRun: boolean;
  readonly mayContinue: boolean;
}

/** A pod is made where selector, affinity and taints allow it; one that runs goes only for a `NoExecute` taint. */
export function judgeNode(daemonSet: DaemonSet, node: Node): NodeVerdict {
  const spec = daemonSet.spec?.template.spec;
  const elsewhere = spec?.nodeName !== undefined && spec.nodeName !== '' && spec.nodeName !== node.metadata.name;
  if (elsewhere || !selectsNode(spec, node)) return { shouldRun: false, mayContinue: false };
  const tolerations = daemonTolerations(spec);
  const against = (node.spec?.taints ?? []).filter((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint));
  return { shouldRun: against.length === 0, mayContinue: !against.some((taint) => taint.effect === 'NoExecute') };
}
