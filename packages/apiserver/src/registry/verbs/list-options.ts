import { badRequest, fieldForbidden, FieldPath, fieldNotSupported, invalid } from '@bayplan/api';
import type { FieldError } from '@bayplan/api';
import { isTrue } from '../../chain/request-info.ts';

/** The query parameters of a list or a watch. */
export interface ListOptions {
  /** Undefined when unset; 0 means that any state will do. */
  readonly resourceVersion: number | undefined;
  readonly resourceVersionMatch: 'Exact' | 'NotOlderThan' | undefined;
  readonly limit: number | undefined;
  /** The token of the page before. */
  readonly continueToken: string | undefined;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

const optionsKind = { group: 'meta.k8s.io', kind: 'ListOptions' } as const;

/** Throws `BadRequest` for values that cannot be read and `Invalid` for combinations that mean nothing. */
export function listOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const continueToken = query.get('continue') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const given = { version, match, continueToken, sendInitialEvents: sendInitialEvents !== null };
  const faults = watch ? watchFaults(given) : listFaults(given);
  if (faults.length > 0) throw invalid(optionsKind, '', faults);
  return {
    resourceVersion: revisionOf(version),
    resourceVersionMatch: match === '' ? undefined : (match as 'Exact'),
    limit: positive(query.get('limit')),
    continueToken: continueToken === '' ? undefined : continueToken,
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutSeconds: positive(query.get('timeoutSeconds')),
  };
}

interface Given {
  readonly version: string;
  readonly match: string;
  readonly continueToken: string;
  readonly sendInitialEvents: boolean;
}

const matchPath = FieldPath.of('resourceVersionMatch');
const whenContinued = 'resourceVersionMatch is forbidden when continue is provided';

function listFaults({ version, match, continueToken, sendInitialEvents }: Given): FieldError[] {
  const faults: FieldError[] = [];
  if (match !== '') {
    if (version === '') faults.push(fieldForbidden(matchPath, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (continueToken !== '') faults.push(fieldForbidden(matchPath, whenContinued));
    if (match !== 'Exact' && match !== 'NotOlderThan') faults.push(fieldNotSupported(matchPath, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && version === '0')
      faults.push(fieldForbidden(matchPath, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents) faults.push(fieldForbidden(FieldPath.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'));
  return faults;
}

function watchFaults({ match, continueToken, sendInitialEvents }: Given): FieldError[] {
  const faults: FieldError[] = [];
  if (sendInitialEvents && match !== 'NotOlderThan')
    faults.push(fieldForbidden(matchPath, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (match === '') return faults;
  if (!sendInitialEvents)
    faults.push(fieldForbidden(matchPath, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  if (match !== 'NotOlderThan') faults.push(fieldNotSupported(matchPath, match, ['NotOlderThan']));
  if (continueToken !== '') faults.push(fieldForbidden(matchPath, whenContinued));
  return faults;
}

/** A resourceVersion: undefined when empty. Throws `BadRequest`. */
export function revisionOf(text: string): number | undefined {
  if (text === '') return undefined;
  const parsing = `strconv.ParseUint: parsing ${JSON.stringify(text)}`;
  if (!/^\d+$/.test(text)) throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: ${parsing}: invalid syntax`);
  if (text.length > 20 || BigInt(text) > 0xffff_ffff_ffff_ffffn)
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: ${parsing}: value out of range`);
  return Number(text);
}

/** Zero and what is below it mean that nothing was asked. */
function positive(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  const parsing = `strconv.ParseInt: parsing ${JSON.stringify(text)}`;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`${parsing}: invalid syntax`);
  const value = BigInt(text);
  if (value !== BigInt.asIntN(64, value)) throw badRequest(`${parsing}: value out of range`);
  return value > 0n ? Number(value) : undefined;
}
