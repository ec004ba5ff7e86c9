import type { JSONSchemaProps } from '../generated/types.ts';
import { cidrFaults, dns1123LabelFaults, dns1123SubdomainFaults, ipFamily } from '../names.ts';

type Check = (text: string) => boolean;

// Every pattern here takes time linear in the text: no quantifier stands within another over the same characters.
const matching =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);

const timeOfDay = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})$/;

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const made = new Date(Date.UTC(2000, month - 1, 1));
  made.setUTCFullYear(year, month - 1, day);
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
}

function isDateTime(text: string): boolean {
  const [date, time, ...more] = text.toLowerCase().split('t');
  if (date === undefined || time === undefined || more.length > 0 || !isDate(date)) return false;
  const match = timeOfDay.exec(time);
  return match !== null && Number(match[1]) <= 23 && Number(match[2]) <= 59 && Number(match[3]) <= 59;
}

const goDuration = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const wordDuration =
  /^\s*\d+\s*(?:ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$/i;

function isUri(text: string): boolean {
  if (text === '' || /[\s\p{Cc}]/u.test(text)) return false;
  if (text.startsWith('/')) return true;
  if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)) return false;
  return URL.canParse(text);
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const address = /^[^<>]*<([^<>]+)>$/.exec(text)?.[1];
  if (address !== undefined) return isEmail(address.trim());
  if (at <= 0 || at === text.length - 1) return false;
  const local = text.slice(0, at);
  const quoted = /^"[^"\\\r\n]*"$/.test(local);
  return (
    (quoted || /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u.test(local)) &&
    !/[\s<>@,;:"\\]/.test(text.slice(at + 1))
  );
}

function isHostname(text: string): boolean {
  if (text === '' || text.length > 255) return false;
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return labels.every(
    (label) => label.length > 0 && label.length <= 63 && /^[a-zA-Z0-9\p{S}\p{L}-]+$/u.test(label) && !/^-|-$/.test(label),
  );
}

const digits = (text: string): number[] => [...text].map((one) => (one === 'X' || one === 'x' ? 10 : Number(one)));

function isIsbn10(text: string): boolean {
  const plain = text.replace(/[\s-]/g, '');
  return /^\d{9}[\dXx]$/.test(plain) && digits(plain).reduce((sum, digit, at) => sum + digit * (10 - at), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const plain = text.replace(/[\s-]/g, '');
  return /^\d{13}$/.test(plain) && digits(plain).reduce((sum, digit, at) => sum + digit * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

function isCreditCard(text: string): boolean {
  const plain = text.replace(/[^0-9]+/g, '');
  const known =
    /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;
  if (!known.test(plain)) return false;
  const sum = digits(plain)
    .reverse()
    .reduce((total, digit, at) => total + (at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0);
  return sum % 10 === 0;
}

function isRgbColor(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part);
}

function isMac(text: string): boolean {
  const lengths = [6, 8, 20];
  const pairs = text.split(/[:-]/);
  const uniform = !(text.includes(':') && text.includes('-'));
  if (uniform && lengths.includes(pairs.length) && pairs.every((pair) => /^[0-9a-fA-F]{2}$/.test(pair))) return true;
  const quads = text.split('.');
  return lengths.includes(quads.length * 2) && quads.every((quad) => /^[0-9a-fA-F]{4}$/.test(quad));
}

const uuid = (version: string, variant: string): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}-?[0-9a-f]{12}$`, 'i');

/** By name without dashes. */
const checks = new Map<string, Check>([
  ['bsonobjectid', matching(/^[0-9a-fA-F]{24}$/)],
  ['uri', isUri],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', (text) => ipFamily(text) === 4],
  ['ipv6', (text) => ipFamily(text) === 6],
  ['cidr', (text) => cidrFaults(text).length === 0],
  ['mac', isMac],
  ['uuid', matching(uuid('[0-9a-f]', '[0-9a-f]{4}'))],
  ['uuid3', matching(uuid('3', '[0-9a-f]{4}'))],
  ['uuid4', matching(uuid('4', '[89ab][0-9a-f]{3}'))],
  ['uuid5', matching(uuid('5', '[89ab][0-9a-f]{3}'))],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['hexcolor', matching(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['rgbcolor', isRgbColor],
  ['byte', matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/)],
  ['password', () => true],
  ['date', isDate],
  ['duration', (text) => goDuration.test(text) || wordDuration.test(text)],
  ['datetime', isDateTime],
  ['k8sshortname', (text) => dns1123LabelFaults(text).length === 0],
  ['k8slongname', (text) => dns1123SubdomainFaults(text).length === 0],
]);

const plain = (format: string): string => format.replaceAll('-', '');

/** Whether the format of a schema is one that is checked for its type; others mean nothing. */
export function isKnownFormat(schema: JSONSchemaProps): boolean {
  const { format = '', type = '' } = schema;
  if (format === '') return false;
  switch (type) {
    case '':
    case 'string':
      return checks.has(plain(format));
    case 'integer':
      return format === 'int32' || format === 'int64';
    case 'number':
      return format === 'float' || format === 'double';
    default:
      return false;
  }
}

/** Whether a text has a format; formats of numbers say nothing of texts. */
export function checkFormat(format: string, text: string): boolean {
  return checks.get(plain(format))?.(text) ?? true;
}
