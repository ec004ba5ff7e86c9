/** A shallow copy that lacks the named members. */
export function without<T extends object, K extends PropertyKey>(object: T, ...names: readonly K[]): Omit<T, K> {
  const copy = { ...object };
  for (const name of names) Reflect.deleteProperty(copy, name);
  return copy;
}
