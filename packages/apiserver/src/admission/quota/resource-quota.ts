import { quotaEvaluatorFor } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { Registry } from '../../registry/registry.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { refuse } from '../admission.ts';
import { isNamespace } from '../webhook/hook-matching.ts';
import { amountsOfRequest } from './quota-charge.ts';
import { QuotaBooks } from './quota-books.ts';

/** Nobody's quota counts events. */
const uncounted = new Set(['/events', 'events.k8s.io/events']);

/** Keeps a namespace within its quotas: the last plug-in, so that only what everything else allowed is charged. */
export function resourceQuotaAdmission(registry: Registry, clock: Clock): AdmissionPlugin {
  const books = new QuotaBooks(registry);
  return {
    name: 'ResourceQuota',
    async validate(request) {
      const { operation, resource, subresource, namespace, object, old } = request;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      if (object === undefined || request.bodyKind !== undefined || namespace === '' || isNamespace(request)) return;
      if (resource.storage === undefined || uncounted.has(`${resource.group}/${resource.resource}`)) return;
      const evaluator = quotaEvaluatorFor(resource.group, resource.resource);
      if (!evaluator.handles(operation, subresource) || !(await books.hasQuotas(namespace))) return;
      const amounts = amountsOfRequest(evaluator, object, old, clock.now());
      const charge = { evaluator, object, amounts };
      if (amounts.size === 0 && operation === 'UPDATE') return;
      const fault = request.dryRun ? await books.check(namespace, charge) : await books.charge(namespace, charge);
      if (fault !== undefined) throw refuse(request, fault);
    },
  };
}
