import os from 'node:os';

/**
 * The number of a signal by its name (`SIGTERM`, `TERM`, `SIGRTMIN+3`, `SIGRTMINPLUS3`) or number in
 * digits; SIGTERM for anything unknown, since a container must always be stoppable.
 */
export function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const full = name.toUpperCase().startsWith('SIG') ? name.toUpperCase() : `SIG${name.toUpperCase()}`;
  const realTime = /^SIGRT(MIN|MAX)(?:(?:\+|-|PLUS|MINUS)(\d+))?$/.exec(full);
  // glibc keeps the first two real-time signals, 32 and 33, for itself; signal(7).
  if (realTime) return realTime[1] === 'MIN' ? 34 + Number(realTime[2] ?? 0) : 64 - Number(realTime[2] ?? 0);
  const numbers: Readonly<Record<string, number>> = { ...os.constants.signals, SIGCLD: 17 };
  return numbers[full] ?? 15;
}
