import type { Runtime } from './runtime.ts';
import type { ProcessIdentity } from './state/records.ts';

/**
 * The first process of a PID namespace that containers share: names itself, then only reaps orphans.
 * /proc is still the host's, so that the id it reads there is the one the host knows.
 */
const pauseScript =
  'read -r pid rest < /proc/self/stat; echo "$pid" >&3; exec 3>&-; trap : HUP INT QUIT TERM; while :; do sleep 2147483647 & wait; done';

/** Starts a pod's pause process, which carries the sandbox's id as its name. Its end is the end of every process in the namespace. */
export async function startPause(runtime: Runtime, sandboxId: string): Promise<ProcessIdentity> {
  const outer = 'exec setsid unshare --fork --pid sh -c "$1" "$2" </dev/null >/dev/null 2>&1';
  const { sync, exitCode } = await runtime.host.run('sh', ['-c', outer, 'sh', pauseScript, `pause-${sandboxId}`], {
    sync: true,
    timeoutMs: 10_000,
  });
  const pid = Number(sync.trim());
  const startTicks = pid > 0 ? await runtime.host.processStart(pid) : undefined;
  if (startTicks === undefined) throw new Error(`Cannot share a PID namespace: its first process ended with ${exitCode}`);
  return { pid, startTicks };
}

/** Whether the process still runs. */
export async function isAlive(runtime: Runtime, identity: ProcessIdentity): Promise<boolean> {
  return (await runtime.host.processStart(identity.pid)) === identity.startTicks;
}

/** Ends a pause process and with it all of its namespace. May be repeated. */
export async function stopPause(runtime: Runtime, pause: ProcessIdentity): Promise<void> {
  if (await isAlive(runtime, pause)) runtime.host.signal(pause.pid, 'SIGKILL');
}
