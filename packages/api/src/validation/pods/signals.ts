const plain =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX';
const realTime = [
  ...Array.from({ length: 15 }, (_, at) => `RTMIN+${(at + 1).toString()}`),
  ...Array.from({ length: 14 }, (_, at) => `RTMAX-${(at + 1).toString()}`),
];

/** Signals by which a Linux container may ask to be stopped, in the order in which they are listed to people. */
export const stopSignals: readonly string[] = [...plain.split(' '), ...realTime].map((name) => `SIG${name}`).sort();
export const windowsStopSignals: readonly string[] = ['SIGKILL', 'SIGTERM'];
