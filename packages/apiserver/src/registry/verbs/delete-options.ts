import { badRequest } from '@bayplan/api';
import type { ResourceContext } from '../../chain/context.ts';
import { decodeBody } from '../decode-object.ts';

export interface DeleteRequest {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

const optionsType = { group: '', version: 'v1', kind: 'DeleteOptions' } as const;

interface DeleteOptionsBody {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

/** From the body (`DeleteOptions`), or from the query when there is no body. Throws `BadRequest`. */
export async function deleteRequest(context: ResourceContext): Promise<DeleteRequest> {
  const { query } = context.request;
  const body = (await decodeBody(context, optionsType, 'Ignore')) as unknown as DeleteOptionsBody;
  const graceText = query.get('gracePeriodSeconds');
  if (graceText !== null && !/^-?\d+$/.test(graceText)) throw badRequest(`gracePeriodSeconds: Invalid value: ${JSON.stringify(graceText)}`);
  const orphanText = query.get('orphanDependents');
  const orphan = body.orphanDependents ?? (orphanText === null ? undefined : orphanText === 'true');
  const policy =
    body.propagationPolicy ?? query.get('propagationPolicy') ?? (orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background');
  if (policy !== undefined && policy !== 'Foreground' && policy !== 'Background' && policy !== 'Orphan') {
    throw badRequest(
      `invalid DeleteOptions: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan"`,
    );
  }
  return {
    gracePeriodSeconds: body.gracePeriodSeconds ?? (graceText === null ? undefined : Number(graceText)),
    propagationPolicy: policy,
    uid: body.preconditions?.uid,
    resourceVersion: body.preconditions?.resourceVersion,
    dryRun: (body.dryRun ?? []).includes('All') || query.getAll('dryRun').includes('All'),
  };
}
