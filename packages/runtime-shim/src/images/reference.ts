import { RpcError } from '@bayplan/rpc';

/** An image's name, taken apart and completed: `busybox` is `docker.io/library/busybox:latest`. */
export interface ImageReference {
  /** Host, with port if given. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const pattern = /^(?<name>[^@]+?)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>[a-z0-9]+:[a-f0-9]{32,}))?$/;
const repositoryPattern = /^[a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*$/;

/** Parses a name as users write it; throws `INVALID_ARGUMENT`. */
export function parseReference(text: string): ImageReference {
  const { name, tag, digest } = pattern.exec(text)?.groups ?? {};
  if (name === undefined) throw new RpcError('INVALID_ARGUMENT', `Not an image name: ${text}`);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = hasRegistry ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  const path = hasRegistry ? name.slice(slash + 1) : name;
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  if (!repositoryPattern.test(repository)) throw new RpcError('INVALID_ARGUMENT', `Not an image name: ${text}`);
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** `registry/repository:tag`, or undefined for a reference by digest alone. */
export function tagName(reference: ImageReference): string | undefined {
  return reference.tag === undefined ? undefined : `${reference.registry}/${reference.repository}:${reference.tag}`;
}

/** `registry/repository@digest`. */
export function digestName(reference: ImageReference, digest: string): string {
  return `${reference.registry}/${reference.repository}@${digest}`;
}
