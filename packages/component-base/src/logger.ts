import winston from 'winston';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured logging. Messages are constant, capitalised, past tense, without a full stop; what
 * varies goes into `fields`, with the error under `err`. Never log secrets.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const levels = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 } as const;

/** Errors as their message (and stack from `debug` on), so that JSON does not print `{}`. */
function plainFields(fields: LogFields | undefined, withStack: boolean): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields ?? {})) {
    plain[key] = value instanceof Error ? describe(value, withStack) : typeof value === 'bigint' ? value.toString() : value;
  }
  return plain;
}

function describe(error: Error, withStack: boolean): string {
  const own = withStack && error.stack !== undefined ? error.stack : error.message;
  return error.cause instanceof Error ? `${own}: ${describe(error.cause, withStack)}` : own;
}

function textLine(info: winston.Logform.TransformableInfo): string {
  const { level, message, time, component, ...rest } = info as Record<string, unknown>;
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value)}`,
  );
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${component ? `${String(component)}: ` : ''}${String(message)}${fields.length > 0 ? ` ${fields.join(' ')}` : ''}`;
}

export interface LoggerOptions {
  /** Name of the component, on every line. */
  readonly component: string;
  readonly level?: LogLevel;
  /** Default: text when stderr is a terminal, else JSON. */
  readonly format?: 'text' | 'json';
  /** Append to this file instead of stderr. */
  readonly file?: string;
}

/** A logger on winston that writes to stderr or a file. */
export function createLogger(options: LoggerOptions): Logger {
  const level = options.level ?? 'info';
  const text = (options.format ?? (process.stderr.isTTY && options.file === undefined ? 'text' : 'json')) === 'text';
  const format = winston.format.combine(
    winston.format.timestamp({ alias: 'time' }),
    dropTimestamp(),
    text ? winston.format.printf(textLine) : winston.format.json(),
  );
  const transport =
    options.file === undefined
      ? new winston.transports.Console({ stderrLevels: Object.keys(levels) })
      : new winston.transports.File({ filename: options.file });
  return wrap(winston.createLogger({ levels, level, format, transports: [transport] }), { component: options.component }, level);
}

const dropTimestamp = winston.format((info) => {
  delete info['timestamp'];
  return info;
});

function wrap(logger: winston.Logger, bound: LogFields, level: LogLevel): Logger {
  const withStack = levels[level] >= levels.debug;
  const write = (at: LogLevel) => (message: string, fields?: LogFields) => {
    if (levels[at] <= levels[level]) logger.log({ ...plainFields({ ...bound, ...fields }, withStack), level: at, message });
  };
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    trace: write('trace'),
    with: (fields) => wrap(logger, { ...bound, ...fields }, level),
  };
}

const nothing = (): void => undefined;

/** Writes nothing: for tests and short-lived commands. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  with: () => silentLogger,
};
