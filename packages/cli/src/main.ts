import { CommanderError } from 'commander';
import { tell } from './commands/detach.ts';
import { createProgram } from './program.ts';
import { UserError } from './user-error.ts';

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const text = error instanceof UserError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`bayplan: ${text}\n`);
    process.exitCode = error instanceof UserError ? error.exitCode : 1;
    tell({
      type: 'failed',
      text: error instanceof Error ? error.message : text,
      exitCode: process.exitCode,
      explained: error instanceof UserError,
    });
  }
}
// Open handles of parts that were cut off must not keep a failed command alive.
if (process.exitCode) setTimeout(() => process.exit(), 1_000).unref();
