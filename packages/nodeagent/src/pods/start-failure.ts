/** A container could not be started; the fields are what users see under `state.waiting`. */
export class StartFailure extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface FailureRecord {
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly atMs: number;
  readonly retryAtMs: number;
  readonly delayMs: number;
}

const firstPullDelayMs = 10_000;
const longestPullDelayMs = 300_000;
const firstDelayMs = 2_000;
const longestDelayMs = 60_000;
/** For this long a failed pull shows as itself before it shows as a back-off. */
export const showsPullErrorMs = 2_000;

const pullReasons: ReadonlySet<string> = new Set(['ErrImagePull', 'ImageInspectError', 'InvalidImageName', 'ErrImageNeverPull']);

export function isPullFailure(record: Pick<FailureRecord, 'reason'>): boolean {
  return pullReasons.has(record.reason);
}

/** Records one more failure of a container to start, with a delay that doubles. */
export function recordFailure(
  before: FailureRecord | undefined,
  reason: string,
  message: string,
  image: string,
  nowMs: number,
): FailureRecord {
  const pull = pullReasons.has(reason);
  const [first, longest] = pull ? [firstPullDelayMs, longestPullDelayMs] : [firstDelayMs, longestDelayMs];
  const same = before !== undefined && isPullFailure(before) === pull && before.image === image;
  const delayMs = same ? Math.min(before.delayMs * 2, longest) : first;
  return { reason, message, image, atMs: nowMs, delayMs, retryAtMs: nowMs + delayMs };
}

/** What `state.waiting` says about a failure at a time. */
export function waitingFor(record: FailureRecord, nowMs: number): { readonly reason: string; readonly message: string } {
  if (record.reason !== 'ErrImagePull' || nowMs < record.atMs + showsPullErrorMs) return { reason: record.reason, message: record.message };
  return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${record.image}": ErrImagePull: ${record.message}` };
}
