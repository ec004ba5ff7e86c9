// The syntax of names, as Kubernetes checks it. Each check answers with the faults, none when sound.

interface Syntax {
  readonly pattern: RegExp;
  readonly fault: string;
  /** The pattern as the fault quotes it. */
  readonly source: string;
  readonly examples: readonly string[];
}

const dns1123LabelSource = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123SubdomainSource = `${dns1123LabelSource}(\\.${dns1123LabelSource})*`;

function syntax(source: string, fault: string, ...examples: readonly string[]): Syntax {
  return { pattern: new RegExp(`^(?:${source})$`), fault, source, examples };
}

const dns1123Label = syntax(
  dns1123LabelSource,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
);
const dns1123Subdomain = syntax(
  dns1123SubdomainSource,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
const underscoreLabelSource = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreSubdomain = syntax(
  `${underscoreLabelSource}(\\.${underscoreLabelSource})*`,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
);
const httpPath = syntax("[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", 'Invalid path');
const dns1035Label = syntax(
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
);
const wildcardSubdomain = syntax(
  `\\*\\.${dns1123SubdomainSource}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);
const qualifiedName = syntax(
  '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]',
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyName',
  'my.name',
  '123-abc',
);
const labelValue = syntax(
  '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?',
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyValue',
  'my_value',
  '12345',
);
const configMapKey = syntax(
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);
const environmentName = syntax(
  '[ -<>-~]+',
  "a valid environment variable name must consist only of printable ASCII characters other than '='",
);
const cIdentifier = syntax(
  '[A-Za-z_][A-Za-z0-9_]*',
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
);

/** With examples where there are some; the doubled space before `or` is Kubernetes' own. */
function regexFault({ fault, source, examples }: Syntax): string {
  const shown = examples.length === 0 ? '' : `e.g. ${examples.map((example) => `'${example}', `).join(' or ')}`;
  return `${fault} (${shown}regex used for validation is '${source}')`;
}

function tooLong(max: number): string {
  return `must be no more than ${max.toString()} bytes`;
}

const encoder = new TextEncoder();

/** The length in UTF-8, which is what Kubernetes' limits count. */
export function byteLength(text: string): number {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return encoder.encode(text).length;
  return text.length;
}

function check(value: string, rule: Syntax, maxBytes: number): string[] {
  const faults: string[] = [];
  if (byteLength(value) > maxBytes) faults.push(tooLong(maxBytes));
  if (!rule.pattern.test(value)) faults.push(regexFault(rule));
  return faults;
}

export const dns1123LabelFaults = (value: string): string[] => check(value, dns1123Label, 63);
export const dns1123SubdomainFaults = (value: string): string[] => check(value, dns1123Subdomain, 253);
/** A subdomain whose labels may have underscores, as names of services in DNS do. */
export const underscoreSubdomainFaults = (value: string): string[] => check(value, underscoreSubdomain, 253);
export const dns1035LabelFaults = (value: string): string[] => check(value, dns1035Label, 63);
export const wildcardSubdomainFaults = (value: string): string[] => check(value, wildcardSubdomain, 253);
export const labelValueFaults = (value: string): string[] => check(value, labelValue, 63);
export const cIdentifierFaults = (value: string): string[] => (cIdentifier.pattern.test(value) ? [] : [regexFault(cIdentifier)]);
export const environmentNameFaults = (value: string): string[] =>
  environmentName.pattern.test(value) ? [] : [regexFault(environmentName)];

/** A key of a ConfigMap or Secret: also a file name. */
export function configMapKeyFaults(value: string): string[] {
  const faults = check(value, configMapKey, 253);
  if (value === '.') faults.push("must not be '.'");
  else if (value === '..') faults.push("must not be '..'");
  else if (value.startsWith('..')) faults.push("must not start with '..'");
  return faults;
}

/** A name with an optional DNS subdomain before a slash: label and annotation keys, resource names. */
export function qualifiedNameFaults(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2) {
    return [`a qualified name ${regexFault(qualifiedName)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const faults: string[] = [];
  const name = parts.length === 2 ? (parts[1] ?? '') : value;
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') faults.push('prefix part must be non-empty');
    else for (const fault of dns1123SubdomainFaults(prefix)) faults.push(`prefix part ${fault}`);
  }
  if (name === '') faults.push('name part must be non-empty');
  else if (byteLength(name) > 63) faults.push(`name part ${tooLong(63)}`);
  if (!qualifiedName.pattern.test(name)) faults.push(`name part ${regexFault(qualifiedName)}`);
  return faults;
}

/** `example.com/some/path`: who is meant, in the words of whoever owns the domain. */
export function domainPathFaults(value: string): string[] {
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const faults = dns1123SubdomainFaults(value.slice(0, slash));
  if (faults.length === 0 && !httpPath.pattern.test(value.slice(slash + 1))) faults.push(regexFault(httpPath));
  return faults;
}

/** A name that is one segment of a URL path (RBAC objects may use nearly anything). */
export function pathSegmentFaults(value: string): string[] {
  if (value === '.') return ["may not be '.'"];
  if (value === '..') return ["may not be '..'"];
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

/** A port's name: IANA service name syntax. */
export function portNameFaults(value: string): string[] {
  const faults: string[] = [];
  if (value.length > 15) faults.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value)) faults.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) faults.push('must contain at least one letter (a-z)');
  if (value.includes('--')) faults.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) faults.push('must not begin or end with a hyphen');
  return faults;
}

export function portNumberFaults(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

const ipv4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** 4, 6, or undefined when the text is no IP address. */
export function ipFamily(value: string): 4 | 6 | undefined {
  if (ipv4.test(value)) return 4;
  return isIpv6(value) ? 6 : undefined;
}

function isIpv6(value: string): boolean {
  if (!value.includes(':')) return false;
  const halves = value.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const half of halves) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [at, part] of parts.entries()) {
      if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups++;
      else if (at === parts.length - 1 && half === halves.at(-1) && ipv4.test(part)) groups += 2;
      else return false;
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** The bytes of an address, 4 or 16, or undefined when the text is none. */
export function ipBytes(value: string): number[] | undefined {
  const family = ipFamily(value);
  if (family === 4) return value.split('.').map(Number);
  if (family === undefined) return undefined;
  const wordsOf = (text: string): number[] =>
    text === ''
      ? []
      : text.split(':').flatMap((part) => {
          if (!part.includes('.')) return [Number.parseInt(part, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
          return [(a << 8) | b, (c << 8) | d];
        });
  const [head = '', tail] = value.split('::');
  const before = wordsOf(head);
  const after = tail === undefined ? [] : wordsOf(tail);
  const words = [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
  return words.flatMap((word) => [word >> 8, word & 0xff]);
}

/** An address as RFC 5952 writes it: lower case, the longest run of zeros left out. The text itself when it is none. */
export function canonicalIp(value: string): string {
  const bytes = ipBytes(value);
  if (bytes?.length !== 16) return value;
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && words[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':');
  return best.start < 0 ? text(0, 8) : `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}

export function ipFaults(value: string): string[] {
  return ipFamily(value) === undefined ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : [];
}

export function cidrFaults(value: string): string[] {
  const [address = '', bits = '', ...rest] = value.split('/');
  const family = ipFamily(address);
  const sound = rest.length === 0 && family !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  return sound ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
}
