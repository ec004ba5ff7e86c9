import { fieldInvalid, fieldRequired, fieldTooLong } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../names.ts';
import type { Faults } from './faults.ts';

const maxDomain = 253;
const maxSignerName = maxDomain + 1 + maxDomain + 63 + 1;

/** Signers of Kubernetes itself: of `kubernetes.io` and its subdomains. */
export function isKubernetesSigner(name: string): boolean {
  const [domain = ''] = name.split('/');
  return domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io');
}

/** Reports the first label that is not sound: further ones would only repeat it. */
function checkLabels(text: string, syntax: (label: string) => string[], path: FieldPath, faults: Faults): void {
  for (const label of text.split('.')) {
    const texts = syntax(label);
    for (const fault of texts) faults.push(fieldInvalid(path, text, `validating label ${JSON.stringify(label)}: ${fault}`));
    if (texts.length > 0) return;
  }
}

/** A signer of certificates: `example.com/signer-name`. */
export function validateSignerName(name: string, path: FieldPath, faults: Faults): void {
  if (!name) {
    faults.push(fieldRequired(path));
    return;
  }
  const [domain = '', rest = '', ...more] = name.split('/');
  if (!name.includes('/') || more.length > 0) {
    faults.push(fieldInvalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"));
    return;
  }
  if (domain.length > maxDomain) faults.push(fieldTooLong(path, maxDomain));
  checkLabels(domain, dns1123LabelFaults, path, faults);
  if (!domain.includes('.')) faults.push(fieldInvalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  checkLabels(rest, dns1123SubdomainFaults, path, faults);
  if (name.length > maxSignerName) faults.push(fieldTooLong(path, maxSignerName));
}
