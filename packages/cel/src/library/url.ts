import type { FunctionDeclaration } from '../check/declarations.ts';
import { declare, global, member } from '../check/declarations.ts';
import { constant, scan } from '../cost/call-costs.ts';
import { boolType, listOf, mapOf, objectType, stringType } from '../types/types.ts';
import type { EvalValue, Value } from '../values/value.ts';
import { ArrayList, CelError, CelObject, EntryMap, keyText } from '../values/value.ts';

export const urlType = objectType('kubernetes.URL', {});

/** An absolute URL or an absolute path, in its parts as written. */
class CelUrl extends CelObject {
  readonly type = urlType;
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string, parts: { scheme: string; host: string; path: string; query: string }) {
    super();
    this.text = text;
    this.scheme = parts.scheme;
    this.host = parts.host;
    this.path = parts.path;
    this.query = parts.query;
  }

  override equalTo(other: CelObject): boolean {
    return other instanceof CelUrl && other.text === this.text;
  }
}

/** What Go's ParseRequestURI takes: a scheme or a path from the root, no control characters. */
function parse(value: Value): CelUrl | CelError {
  const text = value as string;
  const fault = (why: string): CelError =>
    new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${why}`);
  if (text === '') return fault('empty url');

  if (/[\u0000-\u001f\u007f]/.test(text)) return fault('net/url: invalid control character in URL');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text);
  const rest = scheme === null ? text : text.slice(scheme[0].length);
  if (scheme === null && !text.startsWith('/')) return fault('invalid URI for request');
  if (scheme !== null && !rest.startsWith('/') && /^[^?]*$/.exec(rest) === null) return fault('invalid URI for request');
  const [beforeFragment = ''] = rest.split('#');
  const question = beforeFragment.indexOf('?');
  const location = question < 0 ? beforeFragment : beforeFragment.slice(0, question);
  const query = question < 0 ? '' : beforeFragment.slice(question + 1);
  const authority = /^\/\/([^/]*)(.*)$/s.exec(location);
  const hasAuthority = authority !== null && (scheme !== null || !location.startsWith('///'));
  const host = hasAuthority ? (authority[1] ?? '').replace(/^.*@/, '') : '';
  const path = hasAuthority ? (authority[2] ?? '') : scheme !== null && !rest.startsWith('/') ? '' : location;
  if (/%(?![0-9a-fA-F]{2})/.test(path))
    return fault(`invalid URL escape ${JSON.stringify(/%.{0,2}/s.exec(path.replaceAll(/%[0-9a-fA-F]{2}/g, ''))?.[0] ?? '%')}`);
  if (/[ <>"{}|\\^`]/.test(host)) return fault(`invalid character ${JSON.stringify(/[ <>"{}|\\^`]/.exec(host)?.[0] ?? '')} in host name`);
  const port = /^(?:\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(host);
  if (port === null || (port[1] !== undefined && !/^\d*$/.test(port[1])))
    return fault(`invalid port ${JSON.stringify(host.slice(host.lastIndexOf(':')))} after host`);
  return new CelUrl(text, { scheme: scheme?.[1]?.toLowerCase() ?? '', host, path, query });
}

const hostname = (host: string): string => (host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, ''));
const portOf = (host: string): string => /:(\d*)$/.exec(host.replace(/^\[.*\]/, ''))?.[1] ?? '';

function decoded(text: string): string | undefined {
  const plain = text.replaceAll('+', ' ');
  if (/%(?![0-9a-fA-F]{2})/.test(plain)) return undefined;
  const bytes = plain.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
  return bytes;
}

function queryOf(query: string): EvalValue {
  const made = new EntryMap();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const text = keyText(key) ?? '';
    const known = made.entries.get(text)?.[1];
    if (known instanceof ArrayList) known.items.push(value);
    else made.entries.set(text, [key, new ArrayList([value])]);
  }
  return made;
}

/** A path as it goes over the wire. */
function escapedPath(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9\-._~$&+,/:;=@!'()*%[\]]/gu, (one) => encodeURIComponent(one));
}

const part = (name: string, id: string, read: (url: CelUrl) => string): FunctionDeclaration =>
  declare(
    name,
    member(id, [urlType], stringType, (url) => read(url as CelUrl), constant(1)),
  );

/** URLs. */
export const urlFunctions: readonly FunctionDeclaration[] = [
  declare('url', global('string_to_url', [stringType], urlType, parse, scan(0, 1, true))),
  declare(
    'isURL',
    global('is_url_string', [stringType], boolType, (text) => !(parse(text) instanceof CelError)),
  ),
  part('getScheme', 'url_get_scheme', (url) => url.scheme),
  part('getHost', 'url_get_host', (url) => url.host),
  part('getHostname', 'url_get_hostname', (url) => hostname(url.host)),
  part('getPort', 'url_get_port', (url) => portOf(url.host)),
  part('getEscapedPath', 'url_get_escaped_path', (url) => escapedPath(url.path)),
  declare(
    'getQuery',
    member('url_get_query', [urlType], mapOf(stringType, listOf(stringType)), (url) => queryOf((url as CelUrl).query), constant(1)),
  ),
];

/** Why a text is no URL of a request; undefined when it is one. */
export function urlFault(text: string): string | undefined {
  const url = parse(text);
  return url instanceof CelError ? url.message.replace('URL parse error during conversion from string: ', '') : undefined;
}
