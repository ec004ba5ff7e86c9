import { sameJson } from '@bayplan/api';
import type { KubeObject } from '@bayplan/api';
import type { AdmissionRequest } from './admission.ts';
import { refuse } from './admission.ts';

const folderFinalizer = 'bayplan.io/local-path';

/** Of a volume that is a folder on the node, its agent says only that the folder is gone. Throws `Forbidden`. */
export function checkNodeVolume(request: AdmissionRequest, node: string): void {
  const { object, old } = request;
  if (object === undefined || old === undefined) return;
  const rest = (one: KubeObject): unknown => ({
    ...one,
    metadata: {
      ...one.metadata,
      managedFields: undefined,
      resourceVersion: undefined,
      finalizers: (one.metadata.finalizers ?? []).filter((finalizer) => finalizer !== folderFinalizer),
    },
  });
  const added = object.metadata.finalizers?.includes(folderFinalizer) && !old.metadata.finalizers?.includes(folderFinalizer);
  if (added || !sameJson(rest(object), rest(old)))
    throw refuse(request, `node ${JSON.stringify(node)} may only remove the finalizer ${folderFinalizer}`);
}
