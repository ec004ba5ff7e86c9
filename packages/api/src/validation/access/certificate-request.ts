import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../generated/types.ts';
import { sameJson } from '../../patch/json-value.ts';
import type { Faults } from '../faults.ts';
import { eachOf } from '../faults.ts';
import { validateSignerName } from '../signer-name.ts';
import { unifiedDiff } from '../unified-diff.ts';

const spec = FieldPath.of('spec');
const conditionsPath = FieldPath.of('status', 'conditions');
const certificatePath = FieldPath.of('status', 'certificate');
const minSeconds = 600;
const legacySigner = 'kubernetes.io/legacy-unknown';

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];

/** Its names follow no syntax. */
export function anyName(): string[] {
  return [];
}

const pemBlock = /-----BEGIN ([^-]+)-----([\s\S]*?)-----END \1-----/g;

/** What is wrong with a base64 text that should hold certificates in PEM, if anything is. */
function certificateFault(text: string): string | undefined {
  if (text === '') return undefined;
  const blocks = [...atob(text).matchAll(pemBlock)];
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const [, type = '', body = ''] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (body.includes(': ')) return 'no PEM block headers are permitted';
    if (!/^[A-Za-z0-9+/=\s]+$/.test(body)) return 'x509: malformed certificate';
  }
  return undefined;
}

function isRequest(text: string): boolean {
  try {
    return /-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(atob(text));
  } catch {
    return false;
  }
}

function validateConditions(request: CertificateSigningRequest, old: CertificateSigningRequest | undefined, faults: Faults): void {
  const before = old?.status?.conditions ?? [];
  const both = before.some(({ type }) => type === 'Approved') && before.some(({ type }) => type === 'Denied');
  const hadDuplicates = new Set(before.map(({ type }) => type)).size < before.length;
  const seen = new Set<string>();
  eachOf(request.status?.conditions, conditionsPath, ({ type, status }, here) => {
    if (!type && before.every((one) => one.type !== '')) faults.push(fieldRequired(here.child('type')));
    const allowed = ['Approved', 'Denied', 'Failed'].includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!status) faults.push(fieldRequired(here.child('status')));
    else if (!allowed.includes(status)) faults.push(fieldNotSupported(here.child('status'), status, allowed));
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (!both && other !== undefined && seen.has(other)) {
      faults.push(fieldInvalid(conditionsPath, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (!hadDuplicates && seen.has(type)) faults.push(fieldDuplicate(here.child('type'), type));
    seen.add(type);
  });
}

function validateWith(request: CertificateSigningRequest, old: CertificateSigningRequest | undefined, faults: Faults): void {
  const wanted = request.spec;
  if (!isRequest(wanted.request))
    faults.push(fieldInvalid(spec.child('request'), wanted.request, 'PEM block type must be CERTIFICATE REQUEST'));
  const list = spec.child('usages');
  const before = old?.spec.usages ?? [];
  const anyUsage = before.some((usage) => !usages.includes(usage));
  const anyDuplicate = new Set(before).size < before.length;
  if ((wanted.usages ?? []).length === 0) faults.push(fieldRequired(list));
  eachOf(wanted.usages, list, (usage, here, at) => {
    if (!anyUsage && !usages.includes(usage)) faults.push(fieldNotSupported(here, usage, usages));
    if (!anyDuplicate && wanted.usages?.indexOf(usage) !== at) faults.push(fieldDuplicate(here, usage));
  });
  const signer = spec.child('signerName');
  if (wanted.signerName === legacySigner && old?.spec.signerName !== legacySigner) {
    faults.push(fieldInvalid(signer, wanted.signerName, 'the legacy signerName is not allowed via this API version'));
  } else validateSignerName(wanted.signerName, signer, faults);
  const seconds = wanted.expirationSeconds;
  if (seconds !== undefined && seconds < minSeconds) {
    const fault = `may not specify a duration less than ${minSeconds.toString()} seconds (10 minutes)`;
    faults.push(fieldInvalid(spec.child('expirationSeconds'), seconds, fault));
  }
  validateConditions(request, old, faults);
  const certificate = request.status?.certificate ?? '';
  const was = old?.status?.certificate ?? '';
  if (certificate === was || (was !== '' && certificateFault(was) !== undefined)) return;
  const fault = certificateFault(certificate);
  if (fault !== undefined) faults.push(fieldInvalid(certificatePath, '<certificate data>', fault));
}

export function validateCertificateRequest(request: CertificateSigningRequest, faults: Faults): void {
  validateWith(request, undefined, faults);
}

/** Through which endpoint an update comes decides what it may set. */
export type CertificateEndpoint = '' | 'status' | 'approval';

export function validateCertificateRequestUpdate(
  next: CertificateSigningRequest,
  old: CertificateSigningRequest,
  endpoint: CertificateEndpoint,
  faults: Faults,
): void {
  validateWith(next, old, faults);
  const of = (request: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] =>
    (request.status?.conditions ?? []).filter((one) => one.type === type);
  for (const type of ['Approved', 'Denied', 'Failed']) {
    const before = of(old, type);
    const after = of(next, type);
    const shown = JSON.stringify(type);
    if (after.length < before.length) {
      faults.push(fieldForbidden(conditionsPath, `updates may not remove a condition of type ${shown}`));
    } else if (endpoint === 'approval' || type === 'Failed') continue;
    else if (after.length > before.length) {
      faults.push(fieldForbidden(conditionsPath, `updates may not add a condition of type ${shown}`));
    } else if (!sameJson(before, after)) {
      const fault = `updates may not modify a condition of type ${shown}\n${unifiedDiff(before, after)}`;
      faults.push(fieldForbidden(conditionsPath, fault));
    }
  }
  const was = old.status?.certificate ?? '';
  if ((next.status?.certificate ?? '') === was) return;
  if (endpoint !== 'status') faults.push(fieldForbidden(certificatePath, 'updates may not set certificate content'));
  else if (was !== '') faults.push(fieldForbidden(certificatePath, 'updates may not modify existing certificate content'));
}
