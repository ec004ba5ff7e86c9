import { pathNotFound, StatusError } from '@bayplan/api';

/** A path below which nothing is served, such as a version of a group that has been removed: answered with plain text, as Kubernetes does. */
export class UnknownPath extends StatusError {
  constructor() {
    super(pathNotFound().status);
  }
}

export const unknownPathText = '404 page not found\n';
