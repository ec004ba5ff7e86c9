import type { CommandEnd } from './session.ts';

/** What the error channel of protocol version 4 and newer carries: a Status as JSON. */
export function endStatus(end: CommandEnd): string {
  if ('error' in end) {
    return JSON.stringify({
      metadata: {},
      status: 'Failure',
      message: end.error,
      reason: 'InternalError',
      code: 500,
      details: { causes: [{ message: end.error }] },
    });
  }
  if (end.exitCode === 0) return JSON.stringify({ metadata: {}, status: 'Success' });
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${end.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(end.exitCode) }] },
  });
}

/** What older versions carry: a sentence, or nothing after success. */
export function endText(end: CommandEnd): string {
  if ('error' in end) return end.error;
  return end.exitCode === 0 ? '' : `command terminated with non-zero exit code: exit status ${end.exitCode}`;
}
