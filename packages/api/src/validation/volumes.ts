import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '../errors/field-error.ts';
import type { FieldPath } from '../errors/field-path.ts';
import type { KeyToPath, Volume } from '../generated/types.ts';
import { dns1123LabelFaults } from '../names.ts';
import type { Faults } from './faults.ts';
import { checkRequired } from './faults.ts';
import { validateAmount } from './resources.ts';

/** A path inside a volume: relative, and it may not climb out. */
export function validateInnerPath(value: string, path: FieldPath, faults: Faults): void {
  if (value.startsWith('/')) faults.push(fieldInvalid(path, value, 'must be a relative path'));
  if (value.split('/').includes('..')) faults.push(fieldInvalid(path, value, "must not contain '..'"));
}

function validateMode(mode: number | undefined, path: FieldPath, faults: Faults): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    faults.push(fieldInvalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'));
  }
}

function validateItems(items: readonly KeyToPath[] | undefined, path: FieldPath, faults: Faults): void {
  for (const [at, item] of (items ?? []).entries()) {
    const here = path.index(at);
    checkRequired(item.key, undefined, here.child('key'), faults);
    if (item.path === '') faults.push(fieldRequired(here.child('path')));
    else validateInnerPath(item.path, here.child('path'), faults);
    validateMode(item.mode, here.child('mode'), faults);
  }
}

function validateSource(volume: Volume, path: FieldPath, faults: Faults): void {
  const { hostPath, emptyDir, secret, configMap, persistentVolumeClaim, projected, downwardAPI, nfs, csi } = volume;
  if (hostPath !== undefined) {
    const here = path.child('hostPath', 'path');
    checkRequired(hostPath.path, undefined, here, faults);
    if (hostPath.path.split('/').includes('..')) faults.push(fieldInvalid(here, hostPath.path, "must not contain '..'"));
  }
  if (emptyDir?.sizeLimit !== undefined) validateAmount(emptyDir.sizeLimit, path.child('emptyDir', 'sizeLimit'), faults);
  if (secret !== undefined) {
    checkRequired(secret.secretName, undefined, path.child('secret', 'secretName'), faults);
    validateMode(secret.defaultMode, path.child('secret', 'defaultMode'), faults);
    validateItems(secret.items, path.child('secret', 'items'), faults);
  }
  if (configMap !== undefined) {
    checkRequired(configMap.name, undefined, path.child('configMap', 'name'), faults);
    validateMode(configMap.defaultMode, path.child('configMap', 'defaultMode'), faults);
    validateItems(configMap.items, path.child('configMap', 'items'), faults);
  }
  if (persistentVolumeClaim !== undefined) {
    checkRequired(persistentVolumeClaim.claimName, undefined, path.child('persistentVolumeClaim', 'claimName'), faults);
  }
  if (projected !== undefined) validateMode(projected.defaultMode, path.child('projected', 'defaultMode'), faults);
  if (downwardAPI !== undefined) validateMode(downwardAPI.defaultMode, path.child('downwardAPI', 'defaultMode'), faults);
  if (nfs !== undefined) {
    checkRequired(nfs.server, undefined, path.child('nfs', 'server'), faults);
    checkRequired(nfs.path, undefined, path.child('nfs', 'path'), faults);
  }
  if (csi !== undefined) checkRequired(csi.driver, undefined, path.child('csi', 'driver'), faults);
}

/** Checks a pod's volumes and answers with their names. */
export function validateVolumes(volumes: readonly Volume[] | undefined, path: FieldPath, faults: Faults): Set<string> {
  const names = new Set<string>();
  for (const [at, volume] of (volumes ?? []).entries()) {
    const here = path.index(at);
    const sources = Object.entries(volume).filter(([key, value]) => key !== 'name' && value !== undefined);
    if (sources.length === 0) faults.push(fieldRequired(here, 'must specify a volume type'));
    for (const [second] of sources.slice(1)) faults.push(fieldForbidden(here.child(second), 'may not specify more than 1 volume type'));
    validateSource(volume, here, faults);
    checkRequired(volume.name, dns1123LabelFaults, here.child('name'), faults);
    if (names.has(volume.name)) faults.push(fieldDuplicate(here.child('name'), volume.name));
    names.add(volume.name);
  }
  return names;
}
