import type { Job, Pod, PodFailurePolicyOnExitCodesRequirement } from '@bayplan/api';
import { hasLimitPerIndex } from './job-spec.ts';

/** What a Job's policy says about a failed pod. `counts` is whether it counts against the limits. */
export interface FailureVerdict {
  readonly action: 'Ignore' | 'Count' | 'FailJob' | 'FailIndex' | undefined;
  readonly counts: boolean;
  /** Why the whole Job fails; set for `FailJob`. */
  readonly message?: string;
}

/** The first rule that matches decides; without one the pod counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  const rules = job.spec?.podFailurePolicy?.rules ?? [];
  const where = `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`;
  for (const [index, { action, onExitCodes, onPodConditions }] of rules.entries()) {
    const exit = onExitCodes && matchingExit(onExitCodes, pod);
    const type = matchingCondition(onPodConditions ?? [], pod);
    if (exit === undefined && type === undefined) continue;
    const rule = `matching ${action} rule at index ${String(index)}`;
    switch (action) {
      case 'Ignore':
        return { action, counts: false };
      case 'FailIndex':
        if (hasLimitPerIndex(job)) return { action, counts: true };
        continue;
      case 'Count':
        return { action, counts: true };
      case 'FailJob': {
        const message = exit
          ? `Container ${exit.container} for pod ${where} failed with exit code ${String(exit.code)} ${rule}`
          : `Pod ${where} has condition ${type ?? ''} ${rule}`;
        return { action, counts: true, message };
      }
    }
  }
  return { action: undefined, counts: true };
}

function matchingExit(rule: PodFailurePolicyOnExitCodesRequirement, pod: Pod): { container: string; code: number } | undefined {
  for (const status of [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]) {
    const code = status.state?.terminated?.exitCode;
    if (code === undefined || code === 0 || (rule.containerName !== undefined && rule.containerName !== status.name)) continue;
    if (rule.values.includes(code) === (rule.operator === 'In')) return { container: status.name, code };
  }
  return undefined;
}

function matchingCondition(
  patterns: readonly { readonly type: string; readonly status?: string | undefined }[],
  pod: Pod,
): string | undefined {
  return pod.status?.conditions?.find((condition) =>
    patterns.some((pattern) => pattern.type === condition.type && (pattern.status ?? 'True') === condition.status),
  )?.type;
}
