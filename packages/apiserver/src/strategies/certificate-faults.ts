import { FieldPath, fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired, sameJson } from '@bayplan/api';
import type { CertificateSigningRequest, CertificateSigningRequestCondition, FieldError } from '@bayplan/api';
import { X509Certificate } from 'node:crypto';

/** Conditions that, once they are there, stay as they are. */
const lasting = new Set(['Approved', 'Denied', 'Failed']);
const conditionsPath = FieldPath.of('status', 'conditions');
const certificatePath = FieldPath.of('status', 'certificate');
const shownCertificate = '<certificate data>';

/** What is wrong with a change of a certificate request's status, through `/status` or `/approval`. */
export function certificateStatusFaults(
  next: CertificateSigningRequest,
  old: CertificateSigningRequest,
  subresource: string,
): FieldError[] {
  const faults: FieldError[] = [];
  const conditions = next.status?.conditions ?? [];
  const before = old.status?.conditions ?? [];
  conditions.forEach((condition, index) => checkCondition(condition, conditions, index, faults));
  checkLasting(conditions, before, subresource, faults);
  checkCertificate(next.status?.certificate ?? '', old.status?.certificate ?? '', subresource, faults);
  return faults;
}

function checkCondition(
  condition: CertificateSigningRequestCondition,
  all: readonly CertificateSigningRequestCondition[],
  index: number,
  faults: FieldError[],
): void {
  const path = conditionsPath.index(index);
  const { type, status } = condition;
  if (type === '') faults.push(fieldRequired(path.child('type')));
  else if (all.findIndex((other) => other.type === type) !== index) faults.push(fieldDuplicate(path.child('type'), type));
  const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
  if (all.slice(0, index).some((earlier) => earlier.type === other))
    faults.push(fieldInvalid(path.child('type'), type, 'Approved and Denied conditions are mutually exclusive'));
  if (status === '') faults.push(fieldRequired(path.child('status')));
  else if (lasting.has(type)) {
    if (status !== 'True') faults.push(fieldNotSupported(path.child('status'), status, ['True']));
  } else if (status !== 'True' && status !== 'False' && status !== 'Unknown')
    faults.push(fieldNotSupported(path.child('status'), status, ['True', 'False', 'Unknown']));
}

/** Conditions that decide are added once: Approved and Denied by who may approve, Failed by who signs. */
function checkLasting(
  next: readonly CertificateSigningRequestCondition[],
  old: readonly CertificateSigningRequestCondition[],
  subresource: string,
  faults: FieldError[],
): void {
  for (const type of lasting) {
    const after = next.filter((condition) => condition.type === type);
    const before = old.filter((condition) => condition.type === type);
    const mayAdd = subresource === 'approval' ? type !== 'Failed' : type === 'Failed';
    const verb =
      after.length > before.length
        ? mayAdd && before.length === 0
          ? undefined
          : 'add'
        : after.length < before.length
          ? 'remove'
          : sameJson(after, before)
            ? undefined
            : 'modify';
    if (verb !== undefined)
      faults.push(fieldForbidden(conditionsPath, `updates may not ${verb} a condition of type ${JSON.stringify(type)}`));
  }
}

function checkCertificate(next: string, old: string, subresource: string, faults: FieldError[]): void {
  if (next === old) return;
  if (subresource !== 'status') faults.push(fieldForbidden(certificatePath, 'updates may not set certificate content'));
  else if (old !== '') faults.push(fieldForbidden(certificatePath, 'updates may not modify existing certificate content'));
  if (next === '') return;
  const fault = certificateFault(Buffer.from(next, 'base64').toString('latin1'));
  if (fault !== undefined) faults.push(fieldInvalid(certificatePath, shownCertificate, fault));
}

function certificateFault(pem: string): string | undefined {
  const blocks = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\n([\s\S]*?)-----END \1-----/g)];
  for (const [text, type = '', body = ''] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (body.includes(':')) return 'no PEM block headers are permitted';
    try {
      new X509Certificate(text);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}
