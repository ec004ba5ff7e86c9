import { badRequest } from '@bayplan/api';
import type { RequestContext } from '../../chain/context.ts';

/** The query parameters that every write takes. */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** Who owns the fields that this write sets; from `fieldManager`, else the client's name. */
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Apply only: take fields over from other managers. */
  readonly force: boolean;
}

/** Throws `BadRequest` for values that are none. */
export function writeOptions(context: RequestContext): WriteOptions {
  const { query } = context.request;
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All' && value !== ''))
    throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun: supported values: "All"`);
  const fieldValidation = query.get('fieldValidation') ?? 'Warn';
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore' && fieldValidation !== '') {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "", "Ignore", "Strict", "Warn"`,
    );
  }
  return {
    dryRun: dryRun.includes('All'),
    fieldManager: query.get('fieldManager') ?? managerOf(context.request.headers['user-agent']),
    fieldValidation: fieldValidation === '' ? 'Warn' : fieldValidation,
    force: query.get('force') === 'true',
  };
}

/** The program's name in front of the first slash, as Kubernetes names managers that do not name themselves. */
function managerOf(userAgent: string | undefined): string {
  const name = (userAgent ?? '').split('/')[0] ?? '';
  return name.slice(0, 128) || 'unknown';
}
