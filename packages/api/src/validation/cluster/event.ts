import { fieldInvalid, fieldRequired } from '../../errors/field-error.ts';
import { FieldPath } from '../../errors/field-path.ts';
import type { CoreV1Event } from '../../generated/types.ts';
import { byteLength, qualifiedNameFaults } from '../../names.ts';
import type { Faults } from '../faults.ts';
import { checkSyntax } from '../faults.ts';

const involved = FieldPath.of('involvedObject', 'namespace');
const mismatch = 'does not match event.namespace';
const maxInstance = 128;
const maxAction = 128;
const maxReason = 128;
const maxMessage = 1024;

function checkText(text: string | undefined, field: string, max: number, required: boolean, faults: Faults): void {
  const path = FieldPath.of(field);
  if (required && !text) faults.push(fieldRequired(path));
  if (byteLength(text ?? '') > max) faults.push(fieldInvalid(path, '', `can have at most ${max.toString()} characters`));
}

/** Events, in the form of the core group. Those with an `eventTime` are of the newer kind, which asks for more. */
export function validateEvent(event: CoreV1Event, faults: Faults): void {
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject.namespace ?? '';
  if (!event.eventTime) {
    const agrees = about === '' ? namespace === '' || namespace === 'default' : namespace === about;
    if (!agrees) faults.push(fieldInvalid(involved, about, mismatch));
    return;
  }
  if (about === '' && namespace !== 'default' && namespace !== 'kube-system') faults.push(fieldInvalid(involved, about, mismatch));
  const reporter = FieldPath.of('reportingComponent');
  if (!event.reportingComponent) faults.push(fieldRequired(reporter));
  checkSyntax(event.reportingComponent ?? '', qualifiedNameFaults, reporter, faults);
  checkText(event.reportingInstance, 'reportingInstance', maxInstance, true, faults);
  checkText(event.action, 'action', maxAction, true, faults);
  checkText(event.reason, 'reason', maxReason, true, faults);
  checkText(event.message, 'message', maxMessage, false, faults);
}
