/**
 * A fault that the person at the terminal can mend. Printed as one line, `message: remedy`, without a
 * stack; the exit code is 1 (2 for a wrong command line).
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;

  constructor(message: string, remedy: string | undefined, exitCode = 1) {
    super(remedy === undefined ? message : `${message}: ${remedy}`);
    this.exitCode = exitCode;
  }
}
