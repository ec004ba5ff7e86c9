const keywords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

/** The name in expressions of a property, `__dash__` and so on; undefined when expressions cannot name it. */
export function escapeName(name: string): string | undefined {
  if (name === '' || /^\d/.test(name) || !/^[a-zA-Z0-9_./-]+$/.test(name)) return undefined;
  if (keywords.has(name)) return `__${name}__`;
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__');
}
