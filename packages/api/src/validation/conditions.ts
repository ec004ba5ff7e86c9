import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { Condition } from '../generated/types.ts';
import { byteLength, qualifiedNameFaults } from '../names.ts';
import type { Faults, MaybeList } from './faults.ts';
import { checkSyntax, eachOf } from './faults.ts';

const statuses = ['False', 'True', 'Unknown'];
const maxReason = 1024;
const maxMessage = 32 * 1024;
const reasonSource = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonPattern = new RegExp(`^${reasonSource}$`);
const reasonFault = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonSource}')`;

/** Conditions of the form that meta/v1 prescribes: one of each type, with a reason in one word. */
export function validateConditions(conditions: MaybeList<Condition>, path: FieldPath, faults: Faults): void {
  const types = new Set<string>();
  eachOf(conditions, path, ({ type, status, observedGeneration = 0, lastTransitionTime, reason, message }, here) => {
    if (types.has(type)) faults.push(fieldDuplicate(here.child('type'), type));
    types.add(type);
    checkSyntax(type, qualifiedNameFaults, here.child('type'), faults);
    if (!statuses.includes(status)) faults.push(fieldNotSupported(here.child('status'), status, statuses));
    if (observedGeneration < 0) {
      faults.push(fieldInvalid(here.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero'));
    }
    if (!lastTransitionTime) faults.push(fieldRequired(here.child('lastTransitionTime')));
    if (!reason) faults.push(fieldRequired(here.child('reason')));
    else {
      if (!reasonPattern.test(reason)) faults.push(fieldInvalid(here.child('reason'), reason, reasonFault));
      if (byteLength(reason) > maxReason) faults.push(fieldTooLong(here.child('reason'), maxReason));
    }
    if (byteLength(message) > maxMessage) faults.push(fieldTooLong(here.child('message'), maxMessage));
  });
}
