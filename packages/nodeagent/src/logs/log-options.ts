/** Which part of a container's log is wanted. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Only lines from this time on, milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
  /** Only so many last lines. */
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

/** Reads the query of a log request; answers the problem as text when it is not valid. */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions | string {
  const flag = (name: string): boolean => /^(1|t|true)$/i.test(query.get(name) ?? '');
  const count = (name: string): number | undefined | string => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : `${name} must be a whole number`;
  };
  const tailLines = count('tailLines');
  const limitBytes = count('limitBytes');
  const sinceSeconds = count('sinceSeconds');
  for (const value of [tailLines, limitBytes, sinceSeconds]) if (typeof value === 'string') return value;
  const sinceTime = query.get('sinceTime');
  const sinceTimeMs = sinceTime === null ? undefined : Date.parse(sinceTime);
  if (Number.isNaN(sinceTimeMs)) return 'sinceTime must be a time as in RFC 3339';
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') return 'stream must be All, Stdout or Stderr';
  return {
    follow: flag('follow'),
    timestamps: flag('timestamps'),
    sinceMs: typeof sinceSeconds === 'number' ? nowMs - sinceSeconds * 1000 : sinceTimeMs,
    tailLines: typeof tailLines === 'number' && tailLines >= 0 ? tailLines : undefined,
    limitBytes: typeof limitBytes === 'number' && limitBytes > 0 ? limitBytes : undefined,
    stream,
  };
}
