import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { promisify } from 'node:util';

/** Numbers by name; a name says its unit at the end (`writesPerSecond`, `p99Ms`, `rssBytes`). */
export type Numbers = Record<string, number>;

export interface BenchResult {
  readonly metrics: Numbers;
  /** Quotients of two metrics of this run: what may be compared between machines. */
  readonly ratios: Numbers;
}

export interface BenchContext {
  /** The caller wants an answer within seconds, not an exact one. */
  readonly quick: boolean;
  /** Tells a person how far the run has come; goes to stderr. */
  log(message: string): void;
}

/**
 * Runs one benchmark: progress on stderr, and on stdout, as its last line, one JSON object
 * `{name, host, commit, metrics, ratios}`.
 */
export async function runBenchmark(name: string, body: (context: BenchContext) => BenchResult | Promise<BenchResult>): Promise<void> {
  const quick = process.argv.includes('--quick');
  const { metrics, ratios } = await body({ quick, log: (message) => process.stderr.write(`${name}: ${message}\n`) });
  const line = { name, host: describeHost(), commit: await describeCommit(), metrics: rounded(metrics), ratios: rounded(ratios) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The value below which the share `quantile` of `values` lies; `values` need not be sorted. */
export function percentile(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? Number.NaN;
}

function describeHost(): string {
  const [cpu] = cpus();
  return `${String(cpus().length)} x ${cpu?.model.trim() ?? 'unknown CPU'}, ${String(Math.round(totalmem() / 1024 ** 3))} GiB, ${process.platform} ${release()} ${process.arch}, Node.js ${process.version}`;
}

async function describeCommit(): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['describe', '--always', '--dirty']).catch(() => ({ stdout: 'unknown' }));
  return stdout.trim();
}

/** Five significant digits: more are noise. */
function rounded(numbers: Numbers): Numbers {
  return Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, Number(value.toPrecision(5))]));
}
