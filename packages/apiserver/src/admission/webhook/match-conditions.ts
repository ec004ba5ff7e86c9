import { internalError } from '@bayplan/api';
import type { AdmissionRequest } from '../admission.ts';
import type { Hook, HookType } from './hook.ts';

/** Whether every match condition of a webhook holds. Throws `InternalError` when one cannot be evaluated and the webhook must not be passed over. */
export function meetsConditions(hook: Hook, ...[]: [request: AdmissionRequest, type: HookType]): Promise<boolean> {
  if ((hook.webhook.matchConditions ?? []).length === 0) return Promise.resolve(true);
  return Promise.reject(internalError(`matchConditions of webhook ${JSON.stringify(hook.webhook.name)} cannot be evaluated`));
}
