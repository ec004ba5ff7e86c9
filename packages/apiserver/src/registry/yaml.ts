import { badRequest, isTooDeep, isValueTooDeep } from '@bayplan/api';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** Parsing takes about a millisecond for each kilobyte: what is longer is not done between other requests. */
const maxInlineBytes = 32 * 1024;
const workerTimeoutMs = 15_000;
const workerMegabytes = 256;

/** What Kubernetes' reader does not know: times of day, dates, binary data and collections of other kinds. */
const foreignTags = /:(timestamp|binary|set|omap|pairs)$/;

/** Kubernetes reads YAML 1.1 with merge keys. Aliases are bounded, so that no short text stands for a long one. */
const options = { schema: 'yaml-1.1', merge: true, maxAliasCount: 100, logLevel: 'error' } as const;

interface Tag {
  readonly tag: string;
  readonly format?: string;
}

/** A YAML document, which JSON is too, as a JSON value. Throws `BadRequest`. */
export async function parseYaml(bytes: Buffer): Promise<unknown> {
  const text = bytes.toString('utf8');
  if (/^\s*[{[]/.test(text.slice(0, 1000))) {
    // Clients send JSON under the name of YAML far more often than YAML.
    if (isTooDeep(text)) throw badRequest('error converting YAML to JSON: yaml: exceeded max depth');
    const value = asJson(text);
    if (value !== undefined) return value;
  }
  let value: unknown;
  try {
    value = bytes.length > maxInlineBytes ? await parseAside(text) : await parseInline(text);
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  if (isValueTooDeep(value)) throw badRequest('error converting YAML to JSON: yaml: exceeded max depth');
  return value;
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The parser is loaded when the first YAML body comes. */
async function parseInline(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  const customTags = (tags: readonly unknown[]) =>
    (tags as readonly Tag[]).filter((tag) => tag.format !== 'TIME' && !foreignTags.test(tag.tag));
  return parse(text, { ...options, customTags: customTags as never }) as unknown;
}

/** In a thread of its own, which ends with the document. */
function parseAside(text: string): Promise<unknown> {
  const parser = createRequire(import.meta.url).resolve('yaml');
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { parse } = require(${JSON.stringify(parser)});
    const customTags = (tags) => tags.filter((tag) => tag.format !== 'TIME' && !${foreignTags.toString()}.test(tag.tag));
    parentPort.postMessage(JSON.stringify(parse(workerData, { ...${JSON.stringify(options)}, customTags })));`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true, workerData: text, resourceLimits: { maxOldGenerationSizeMb: workerMegabytes } });
    const timer = setTimeout(() => finish(() => reject(new Error('the document takes too long to read'))), workerTimeoutMs);
    const finish = (end: () => void): void => {
      clearTimeout(timer);
      void worker.terminate();
      end();
    };
    worker.once('message', (json: string) => finish(() => resolve(JSON.parse(json) as unknown)));
    worker.once('error', (error) => finish(() => reject(error)));
  });
}
