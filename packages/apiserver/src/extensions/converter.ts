import type { KubeObject } from '@bayplan/api';

/** Takes objects of one resource from version to version. */
export interface Converter {
  /** Others are asked, so many objects at once are better than few. */
  readonly remote: boolean;
  /** The objects, none of which is changed, in `apiVersion`, in their order. Rejects with a `StatusError`. */
  convert(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]>;
}

/** Strategy `None`: only the name of the version changes. */
export const noneConverter: Converter = {
  remote: false,
  convert: (objects, apiVersion) => Promise.resolve(objects.map((object) => ({ ...object, apiVersion }))),
};
