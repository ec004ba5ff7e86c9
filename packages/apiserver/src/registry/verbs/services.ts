import type { Clock, Random } from '@bayplan/component-base';
import type { Admission } from '../../admission/admission.ts';
import type { ResourceContext } from '../../chain/context.ts';
import type { Registry } from '../registry.ts';
import type { StoredResource } from '../served-resource.ts';

/** What every verb needs. */
export interface VerbServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly admission: Admission;
  readonly registry: Registry;
}

/** One call of a verb. */
export interface VerbCall {
  readonly services: VerbServices;
  readonly context: ResourceContext;
  readonly resource: StoredResource;
}
