/** Who a request is made by, after authentication (and impersonation). */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} };
export const superuserGroup = 'system:masters';

/** Adds `system:authenticated`, which every known user belongs to. */
export function authenticated(
  name: string,
  groups: readonly string[],
  more: { readonly uid?: string; readonly extra?: User['extra'] } = {},
): User {
  const all = groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated'];
  return { name, groups: all, extra: more.extra ?? {}, ...(more.uid === undefined ? {} : { uid: more.uid }) };
}
