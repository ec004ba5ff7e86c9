import type { StorageClass } from '@bayplan/api';

const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

/** The cluster's default class: of several the newest, then the first by name. */
export function defaultClass(classes: readonly StorageClass[]): StorageClass | undefined {
  const marked = classes.filter((one) => marks.some((mark) => one.metadata.annotations?.[mark] === 'true'));
  const created = (one: StorageClass): string => one.metadata.creationTimestamp ?? '';
  return marked.sort((a, b) =>
    created(a) === created(b) ? ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1) : created(a) > created(b) ? -1 : 1,
  )[0];
}
