import { badRequest, copyJson, isTooDeep, unsupportedMediaType } from '@bayplan/api';
import type { RequestContext } from '../chain/context.ts';
import { parseYaml } from './yaml.ts';

/** The media type of the request's body, without parameters; JSON when nothing is said. */
export function contentTypeOf(context: RequestContext): string {
  const header = context.request.headers['content-type'] ?? 'application/json';
  return (header.split(';')[0] ?? '').trim().toLowerCase();
}

/** The body as a JSON value, from JSON or YAML. A loopback's object is copied: handlers may change what they get. */
export async function readValue(context: RequestContext): Promise<unknown> {
  const { body } = context.request;
  switch (body.kind) {
    case 'none':
      return undefined;
    case 'object':
      return body.value === undefined ? undefined : copyJson(body.value);
    case 'bytes': {
      const bytes = await body.read();
      if (bytes.length === 0) return undefined;
      return parseBody(bytes, contentTypeOf(context));
    }
  }
}

async function parseBody(bytes: Buffer, contentType: string): Promise<unknown> {
  switch (contentType) {
    case 'application/json':
    case '':
      return parseJson(bytes);
    case 'application/yaml':
      return parseYaml(bytes);
    default:
      throw unsupportedMediaType(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
  }
}

export function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (isTooDeep(text)) throw badRequest("couldn't get version/kind; json parse error: exceeded max depth");
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
}
