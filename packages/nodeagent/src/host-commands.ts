import { execFile } from 'node:child_process';
import type { HostCommands } from './options.ts';

const defaultTimeoutMs = 30_000;
const mostOutputBytes = 1024 * 1024;

/** Runs commands from this very process: fine for a small one, see `NodeAgentOptions.hostCommands` for a large one. */
export const ownHostCommands: HostCommands = {
  run: (command, args, options = {}) =>
    new Promise((resolve, reject) => {
      const settings = {
        timeout: options.timeoutMs ?? defaultTimeoutMs,
        maxBuffer: mostOutputBytes,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      };
      execFile(command, [...args], settings, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(new Error(`${command} could not be run`, { cause: error }));
        else resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    }),
};
