import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types.ts';
import { age, nameOf, none } from './cell-text.ts';
import type { KindTable } from './column.ts';
import { boolean, integer, kindTable, text, wide } from './column.ts';

const unset = '<unset>';
const modeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
/** The order in which the short names are printed. */
const modeOrder = Object.keys(modeNames);

function modesText(modes: readonly string[] | undefined): string {
  return modeOrder
    .filter((mode) => modes?.includes(mode) === true)
    .map((mode) => modeNames[mode] ?? mode)
    .join(',');
}

const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class';
const oldDefaultAnnotation = 'storageclass.beta.kubernetes.io/is-default-class';
const defaultAnnotation = 'storageclass.kubernetes.io/is-default-class';

/** By `group/Kind`. */
export const storageTables: Readonly<Record<string, KindTable>> = {
  '/PersistentVolume': kindTable<PersistentVolume>(
    [
      'Name',
      'Capacity',
      'Access Modes',
      'Reclaim Policy',
      'Status',
      'Claim',
      'StorageClass',
      'VolumeAttributesClass',
      'Reason',
      'Age',
      wide('VolumeMode'),
    ],
    (object, now) => {
      const claim = object.spec?.claimRef;
      const phase = object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating';
      return [
        nameOf(object),
        object.spec?.capacity?.storage ?? '0',
        modesText(object.spec?.accessModes),
        object.spec?.persistentVolumeReclaimPolicy ?? '',
        phase,
        claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
        object.metadata.annotations?.[oldClassAnnotation] ?? object.spec?.storageClassName ?? '',
        object.spec?.volumeAttributesClassName ?? unset,
        object.status?.reason ?? '',
        age(object, now),
        object.spec?.volumeMode ?? unset,
      ];
    },
  ),
  '/PersistentVolumeClaim': kindTable<PersistentVolumeClaim>(
    ['Name', 'Status', 'Volume', 'Capacity', 'Access Modes', 'StorageClass', 'VolumeAttributesClass', 'Age', wide('VolumeMode')],
    (object, now) => {
      const bound = (object.spec?.volumeName ?? '') !== '';
      return [
        nameOf(object),
        object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating',
        object.spec?.volumeName ?? '',
        bound ? (object.status?.capacity?.storage ?? '0') : '',
        bound ? modesText(object.status?.accessModes) : '',
        object.metadata.annotations?.[oldClassAnnotation] ?? object.spec?.storageClassName ?? '',
        object.spec?.volumeAttributesClassName ?? unset,
        age(object, now),
        object.spec?.volumeMode ?? unset,
      ];
    },
  ),
  'storage.k8s.io/StorageClass': kindTable<StorageClass>(
    ['Name', 'Provisioner', 'ReclaimPolicy', 'VolumeBindingMode', 'AllowVolumeExpansion', 'Age'],
    (object, now) => {
      const annotations = object.metadata.annotations ?? {};
      const isDefault = annotations[defaultAnnotation] === 'true' || annotations[oldDefaultAnnotation] === 'true';
      return [
        isDefault ? `${nameOf(object)} (default)` : nameOf(object),
        object.provisioner,
        object.reclaimPolicy ?? 'Delete',
        object.volumeBindingMode ?? 'Immediate',
        object.allowVolumeExpansion ?? false,
        age(object, now),
      ];
    },
  ),
  'storage.k8s.io/VolumeAttributesClass': kindTable<VolumeAttributesClass>(['Name', 'DriverName', 'Age'], (object, now) => [
    nameOf(object),
    object.driverName,
    age(object, now),
  ]),
  'storage.k8s.io/VolumeAttachment': kindTable<VolumeAttachment>(
    ['Name', { ...text('Attacher'), format: 'name' }, 'PV', 'Node', boolean('Attached'), 'Age'],
    (object, now) => [
      nameOf(object),
      object.spec.attacher,
      object.spec.source.persistentVolumeName ?? '',
      object.spec.nodeName,
      object.status?.attached ?? false,
      age(object, now),
    ],
  ),
  'storage.k8s.io/CSINode': kindTable<CSINode>(['Name', integer('Drivers'), 'Age'], (object, now) => [
    nameOf(object),
    ((object.spec.drivers as readonly unknown[] | null) ?? []).length,
    age(object, now),
  ]),
  'storage.k8s.io/CSIDriver': kindTable<CSIDriver>(
    [
      'Name',
      boolean('AttachRequired'),
      boolean('PodInfoOnMount'),
      boolean('StorageCapacity'),
      'TokenRequests',
      boolean('RequiresRepublish'),
      'Modes',
      'Age',
    ],
    (object, now) => {
      const audiences = (object.spec.tokenRequests ?? []).map(({ audience }) => audience);
      const modes = object.spec.volumeLifecycleModes ?? [];
      return [
        nameOf(object),
        object.spec.attachRequired ?? true,
        object.spec.podInfoOnMount ?? false,
        object.spec.storageCapacity ?? false,
        audiences.length === 0 ? unset : audiences.join(','),
        object.spec.requiresRepublish ?? false,
        modes.length === 0 ? none : modes.join(','),
        age(object, now),
      ];
    },
  ),
  'storage.k8s.io/CSIStorageCapacity': kindTable<CSIStorageCapacity>(['Name', 'StorageClassName', 'Capacity'], (object) => [
    nameOf(object),
    object.storageClassName,
    object.capacity ?? unset,
  ]),
};
