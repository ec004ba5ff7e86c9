import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  FieldPath,
  fieldRequired,
  fieldTooLong,
  invalid,
  managerOfUserAgent,
} from '@bayplan/api';
import type { FieldError, FieldValidation } from '@bayplan/api';
import type { RequestContext } from '../../chain/context.ts';
import { isTrue } from '../../chain/request-info.ts';

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
const unprintable = /[^\x20-\x7e\u00a1-\uffff]/;

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions';

function kindOf(context: RequestContext): OptionsKind {
  switch (context.info.verb) {
    case 'create':
      return 'CreateOptions';
    case 'patch':
      return 'PatchOptions';
    default:
      return 'UpdateOptions';
  }
}

/** Throws `Invalid` for values and combinations that mean nothing. */
export function writeOptions(context: RequestContext): WriteOptions {
  const { query, headers } = context.request;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  const manager = query.get('fieldManager') ?? '';
  const kind = kindOf(context);
  const apply = kind === 'PatchOptions' && isApply(headers['content-type']);
  const faults: FieldError[] = [];
  if (kind === 'PatchOptions') {
    if (apply && manager === '') faults.push(fieldRequired(FieldPath.of('fieldManager'), 'is required for apply patch'));
    if (!apply && query.has('force')) faults.push(fieldForbidden(FieldPath.of('force'), 'may not be specified for non-apply patch'));
  }
  if (manager.length > maxManagerLength) faults.push(fieldTooLong(FieldPath.of('fieldManager'), maxManagerLength));
  if (unprintable.test(manager))
    faults.push(fieldInvalid(FieldPath.of('fieldManager'), manager, 'should only contain printable characters'));
  if (dryRun.some((value) => value !== 'All')) faults.push(fieldNotSupported(FieldPath.of('dryRun'), dryRun, ['All']));
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore')
    faults.push(fieldNotSupported(FieldPath.of('fieldValidation'), fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  if (faults.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', faults);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: manager || managerOfUserAgent(headers['user-agent']),
    fieldValidation: fieldValidation as FieldValidation,
    force: isTrue(query.get('force')),
    applied: false,
  };
}

/** Whether a patch of this content type is a server-side apply. */
export function isApply(contentType: string | undefined): boolean {
  return /^application\/apply-patch\+(yaml|cbor)\s*(;|$)/.test(contentType ?? '');
}
