import { fieldDuplicate, fieldInvalid, fieldRequired } from '@bayplan/api';
import { X509Certificate } from 'node:crypto';
import type { ConfigNode } from '../config/config-node.ts';

export interface IssuerConfiguration {
  /** What `iss` must be. */
  readonly url: string;
  /** Where the discovery document is, when not below `url`. */
  readonly discoveryUrl: string | undefined;
  /** PEM; the host's roots when undefined. */
  readonly certificateAuthority: string | undefined;
  /** A token must be meant for one of them. */
  readonly audiences: readonly string[];
}

export function readIssuer(node: ConfigNode, disallowed: readonly string[]): IssuerConfiguration {
  node.fields('url', 'discoveryURL', 'certificateAuthority', 'audiences', 'audienceMatchPolicy', 'egressSelectorType');
  const url = node.requiredString('url');
  if (url !== '') checkUrl(node.child('url'), url, disallowed);
  const discoveryUrl = node.optionalString('discoveryURL') || undefined;
  if (discoveryUrl !== undefined) {
    const child = node.child('discoveryURL');
    if (bare(url) === bare(discoveryUrl)) node.fault(fieldInvalid(child.where, discoveryUrl, 'discoveryURL must be different from URL'));
    checkUrl(child, discoveryUrl, []);
  }
  if (node.string('egressSelectorType') !== '')
    node.fault(
      fieldInvalid(node.child('egressSelectorType').where, node.string('egressSelectorType'), 'egress selectors are not supported'),
    );
  return { url, discoveryUrl, certificateAuthority: readCertificates(node), audiences: readAudiences(node) };
}

const bare = (url: string): string => url.replace(/\/+$/, '');

function checkUrl(node: ConfigNode, text: string, disallowed: readonly string[]): void {
  const fault = (detail: string): void => node.fault(fieldInvalid(node.where, text, detail));
  if (disallowed.includes(text)) fault(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`);
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    return fault((error as Error).message);
  }
  if (url.protocol !== 'https:') fault('URL scheme must be https');
  if (url.username !== '' || url.password !== '') fault('URL must not contain a username or password');
  if (url.search !== '') fault('URL must not contain a query');
  if (url.hash !== '') fault('URL must not contain a fragment');
}

function readAudiences(node: ConfigNode): string[] {
  const where = node.child('audiences').where;
  const audiences = node.strings('audiences');
  if (audiences.length === 0) node.fault(fieldRequired(where, `at least one ${where} is required`));
  audiences.forEach((audience, index) => {
    if (audience === '') node.fault(fieldRequired(`${where}[${index.toString()}]`));
    if (audiences.indexOf(audience) !== index) node.fault(fieldDuplicate(`${where}[${index.toString()}]`, audience));
  });
  const policy = node.string('audienceMatchPolicy');
  const policyAt = node.child('audienceMatchPolicy').where;
  if (audiences.length > 1 && policy !== 'MatchAny')
    node.fault(fieldInvalid(policyAt, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'));
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    node.fault(fieldInvalid(policyAt, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'));
  return audiences;
}

function readCertificates(node: ConfigNode): string | undefined {
  const pem = node.optionalString('certificateAuthority') || undefined;
  if (pem === undefined) return undefined;
  try {
    // Only the first is read: this finds what is no PEM at all.
    new X509Certificate(pem);
  } catch (error) {
    node.fault(fieldInvalid(node.child('certificateAuthority').where, '<omitted>', (error as Error).message));
  }
  return pem;
}
