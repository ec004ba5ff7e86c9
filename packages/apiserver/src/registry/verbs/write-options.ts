import { badRequest, managerOfUserAgent } from '@bayplan/api';
import type { FieldValidation } from '@bayplan/api';
import type { RequestContext } from '../../chain/context.ts';

/** The query parameters that every write takes. */
export interface WriteOptions {
  readonly dryRun: boolean;
  /** Who owns the fields that this write sets; from `fieldManager`, else the client's name. */
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** Apply only: take fields over from other managers. */
  readonly force: boolean;
  /** The object comes from server-side apply, with its managedFields. */
  readonly applied: boolean;
}

const maxManagerLength = 128;

/** Throws `BadRequest` for values that are none. */
export function writeOptions(context: RequestContext): WriteOptions {
  const { query } = context.request;
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All' && value !== ''))
    throw badRequest(`Invalid value: ${JSON.stringify(dryRun)}: dryRun: supported values: "All"`);
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore') {
    throw badRequest(
      `fieldValidation: Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "", "Ignore", "Strict", "Warn"`,
    );
  }
  const manager = query.get('fieldManager') ?? '';
  if (manager.length > maxManagerLength)
    throw badRequest(`fieldManager: Too long: may not be more than ${maxManagerLength.toString()} bytes`);
  return {
    dryRun: dryRun.includes('All'),
    fieldManager: manager || managerOfUserAgent(context.request.headers['user-agent']),
    fieldValidation,
    force: query.get('force') === 'true',
    applied: false,
  };
}
