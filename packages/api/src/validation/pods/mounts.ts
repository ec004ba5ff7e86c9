import { fieldForbidden, fieldInvalid, fieldNotFound, fieldNotSupported, fieldRequired } from '../../errors/field-error.ts';
import type { FieldPath } from '../../errors/field-path.ts';
import type { Container, VolumeDevice, VolumeMount } from '../../generated/types.ts';
import type { Faults } from '../faults.ts';
import { checkMember, eachOf } from '../faults.ts';
import type { PodContext } from './context.ts';
import { checkInnerPath } from './paths.ts';

const propagations = ['Bidirectional', 'HostToContainer', 'None'];
const readOnlyModes = ['Disabled', 'Enabled', 'IfPossible'];

function validateReadOnly(mount: VolumeMount, path: FieldPath, faults: Faults): void {
  const mode = mount.recursiveReadOnly;
  if (mode === undefined || mode === 'Disabled') return;
  const here = path.child('recursiveReadOnly');
  if (!readOnlyModes.includes(mode)) {
    faults.push(fieldNotSupported(here, mode, readOnlyModes));
    return;
  }
  if (mount.readOnly !== true) faults.push(fieldForbidden(here, 'may only be specified when readOnly is true'));
  if ((mount.mountPropagation ?? 'None') !== 'None') {
    faults.push(fieldForbidden(here, 'may only be specified when mountPropagation is None or not specified'));
  }
}

function validateMounts(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  const places = new Set<string>();
  const devices = container.volumeDevices ?? [];
  eachOf(container.volumeMounts, path, (mount, here) => {
    const { name, mountPath, subPath, subPathExpr, mountPropagation } = mount;
    if (!name) faults.push(fieldRequired(here.child('name')));
    if (!context.volumes.has(name)) faults.push(fieldNotFound(here.child('name'), name));
    if (!mountPath) faults.push(fieldRequired(here.child('mountPath')));
    if (places.has(mountPath)) faults.push(fieldInvalid(here.child('mountPath'), mountPath, 'must be unique'));
    places.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      faults.push(fieldInvalid(here.child('name'), name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      faults.push(fieldInvalid(here.child('mountPath'), mountPath, 'must not already exist as a path in volumeDevices'));
    }
    // Kubernetes leaves the index out of the paths of these.
    if (subPath) checkInnerPath(subPath, path.child('subPath'), faults);
    if (subPathExpr) {
      if (subPath) faults.push(fieldInvalid(here.child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      checkInnerPath(subPathExpr, path.child('subPathExpr'), faults);
    }
    if (mountPropagation !== undefined) {
      checkMember(mountPropagation, propagations, path.child('mountPropagation'), faults);
      if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
        const fault = 'Bidirectional mount propagation is available only to privileged containers';
        faults.push(fieldForbidden(path.child('mountPropagation'), fault));
      }
    }
    validateReadOnly(mount, path, faults);
  });
}

function validateDevices(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  const places = new Set<string>();
  const names = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  eachOf<VolumeDevice>(container.volumeDevices, path, ({ name, devicePath }, here) => {
    const volume = context.volumes.get(name);
    if (!name) faults.push(fieldRequired(here.child('name')));
    if (names.has(name)) faults.push(fieldInvalid(here.child('name'), name, 'must be unique'));
    if (volume !== undefined && volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const fault = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      faults.push(fieldInvalid(here.child('name'), name, fault));
    }
    if (volume === undefined) faults.push(fieldNotFound(here.child('name'), name));
    if (!devicePath) faults.push(fieldRequired(here.child('devicePath')));
    if (places.has(devicePath)) faults.push(fieldInvalid(here.child('devicePath'), devicePath, 'must be unique'));
    if (devicePath.split('/').includes('..')) {
      faults.push(fieldInvalid(here.child('devicePath'), devicePath, "can not contain backsteps ('..')"));
    } else places.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      faults.push(fieldInvalid(here.child('name'), name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      faults.push(fieldInvalid(here.child('devicePath'), devicePath, 'must not already exist as a path in volumeMounts'));
    }
    if (name) names.add(name);
  });
}

/** Where a container sees the pod's volumes: as directories and as block devices. */
export function validateVolumeUse(container: Container, context: PodContext, path: FieldPath, faults: Faults): void {
  if (container.volumeMounts) validateMounts(container, context, path.child('volumeMounts'), faults);
  if (container.volumeDevices) validateDevices(container, context, path.child('volumeDevices'), faults);
}
