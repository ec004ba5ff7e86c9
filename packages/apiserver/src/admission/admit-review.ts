import type { KubeObject } from '@bayplan/api';
import type { ResourceContext } from '../chain/context.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { VerbServices } from '../registry/verbs/services.ts';
import { admissionRequest, admit } from './admission.ts';
import { writeOptionsObject } from './request-options.ts';

/** What is answered and not stored is created all the same: admission may change or refuse it. */
export function admitReview(services: VerbServices, context: ResourceContext, resource: ServedResource, object: KubeObject): Promise<void> {
  return admit(
    services.admission,
    admissionRequest(context, {
      operation: 'CREATE',
      resource,
      subresource: '',
      namespace: context.info.namespace,
      name: object.metadata.name ?? '',
      object,
      old: undefined,
      options: writeOptionsObject('CreateOptions', context),
      dryRun: false,
    }),
  );
}
