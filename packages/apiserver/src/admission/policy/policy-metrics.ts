import { Counter, Histogram } from '@bayplan/component-base';
import type { Clock, MetricsRegistry } from '@bayplan/component-base';

export type PolicyErrorType = 'no_error' | 'compile_error' | 'invalid_error' | 'out_of_budget';
export type EnforcementAction = 'allow' | 'deny' | 'warn' | 'audit';

export interface PolicyLabels {
  readonly policy: string;
  readonly policy_binding: string;
  readonly error_type: PolicyErrorType;
}

/** What policies leave behind, under Kubernetes' names. Times are in milliseconds. */
export interface PolicyMetrics {
  readonly clock: Clock;
  validated(labels: PolicyLabels, action: EnforcementAction, elapsedMs: number): void;
  mutated(labels: PolicyLabels, elapsedMs: number): void;
}

const buckets = [0.0000005, 0.001, 0.01, 0.1, 1];

export function createPolicyMetrics(registry: MetricsRegistry, clock: Clock): PolicyMetrics {
  const registers = [registry];
  const labelNames = ['policy', 'policy_binding', 'error_type'] as const;
  const checked = [...labelNames, 'enforcement_action'] as const;
  const validations = new Counter({
    name: 'apiserver_validating_admission_policy_check_total',
    help: 'Checks of validating admission policies that had a consequence.',
    labelNames: checked,
    registers,
  });
  const validationTime = new Histogram({
    name: 'apiserver_validating_admission_policy_check_duration_seconds',
    help: 'Time that checks of validating admission policies took.',
    labelNames: checked,
    buckets,
    registers,
  });
  const mutations = new Counter({
    name: 'apiserver_mutating_admission_policy_check_total',
    help: 'Mutations of mutating admission policies.',
    labelNames,
    registers,
  });
  const mutationTime = new Histogram({
    name: 'apiserver_mutating_admission_policy_check_duration_seconds',
    help: 'Time that mutations of mutating admission policies took.',
    labelNames,
    buckets,
    registers,
  });
  return {
    clock,
    validated(labels, action, elapsedMs) {
      validations.inc({ ...labels, enforcement_action: action });
      validationTime.observe({ ...labels, enforcement_action: action }, elapsedMs / 1000);
    },
    mutated(labels, elapsedMs) {
      mutations.inc({ ...labels });
      mutationTime.observe({ ...labels }, elapsedMs / 1000);
    },
  };
}

/** Why an evaluation failed, as metrics tell it. */
export function errorTypeOf(message: string): PolicyErrorType {
  if (message.startsWith('compilation error: ')) return 'compile_error';
  return /cost (limit|budget)/.test(message) ? 'out_of_budget' : 'invalid_error';
}
