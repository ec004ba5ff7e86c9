import { fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { APIService } from '../../generated/types.ts';
import { dns1035LabelFaults, dns1123SubdomainFaults, portNumberFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkMember, checkRequired, checkSyntax, eachOf } from '../faults.ts';

const spec = FieldPath.of('spec');
const maxGroupPriority = 20_000;
const maxVersionPriority = 1000;

export function validateApiService({ metadata, spec: wanted }: APIService, faults: Faults): void {
  const { group = '', version = '', service } = wanted ?? {};
  const expected = `${version}.${group}`;
  const name = metadata?.name ?? '';
  if (name !== expected) {
    faults.push(
      fieldInvalid(FieldPath.of('metadata', 'name'), name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(expected)}`),
    );
  }
  if (group === '' && version !== 'v1') {
    faults.push(fieldRequired(spec.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  }
  if (group !== '') checkSyntax(group, dns1123SubdomainFaults, spec.child('group'), faults);
  checkSyntax(version, dns1035LabelFaults, spec.child('version'), faults);
  for (const [field, max] of [
    ['groupPriorityMinimum', maxGroupPriority],
    ['versionPriority', maxVersionPriority],
  ] as const) {
    const value = wanted?.[field] ?? 0;
    if (value <= 0 || value > max) faults.push(fieldInvalid(spec.child(field), value, `must be positive and less than ${max.toString()}`));
  }
  const bundle = wanted?.caBundle ?? '';
  if (service === undefined) {
    if (bundle !== '')
      faults.push(fieldInvalid(spec.child('caBundle'), `${bundle.length.toString()} bytes`, 'local APIServices may not have a caBundle'));
    if (wanted?.insecureSkipTLSVerify === true) {
      faults.push(fieldInvalid(spec.child('insecureSkipTLSVerify'), true, 'local APIServices may not have insecureSkipTLSVerify'));
    }
    return;
  }
  const path = spec.child('service');
  checkRequired(service.namespace, undefined, path.child('namespace'), faults);
  checkRequired(service.name, undefined, path.child('name'), faults);
  const port = service.port ?? 443;
  for (const fault of portNumberFaults(port)) faults.push(fieldInvalid(path.child('port'), port, `port is not valid: ${fault}`));
  if (wanted?.insecureSkipTLSVerify === true && bundle !== '') {
    faults.push(fieldInvalid(spec.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present'));
  }
}

export function validateApiServiceStatus(next: APIService, _old: APIService, faults: Faults): void {
  eachOf(next.status?.conditions, FieldPath.of('status', 'conditions'), ({ status }, here) => {
    checkMember(status, ['True', 'False', 'Unknown'], here.child('status'), faults);
  });
}
