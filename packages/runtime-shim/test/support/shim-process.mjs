// Runs a shim as a process of its own, from the build, so that tests can kill it at any moment.
import { silentLogger, systemClock } from '@bayplan/component-base';
import { runShim } from '@bayplan/runtime-shim';

const [home, socketPath, runRoot, podCidr] = process.argv.slice(2);
await runShim({ home, socketPath, runRoot, podCidr, clock: systemClock, logger: silentLogger, signal: new AbortController().signal });
process.send?.('ready');
