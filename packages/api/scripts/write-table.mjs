// The run-time form of the tables: one string, one block a type, in which every reference is `package.Type`.

/** `io.k8s.api.core.v1` is `core.v1` in the table; the few other packages are listed in `typePackages`. */
function shortPackage(name) {
  return name.startsWith('io.k8s.api.')
    ? name.slice('io.k8s.api.'.length)
    : name.endsWith('.version')
      ? 'version'
      : name.split('.').slice(-2).join('.');
}

export function tableSource(types, enums) {
  const packages = Object.fromEntries(
    types.map((type) => [shortPackage(type.package), type.package]).filter(([short, full]) => `io.k8s.api.${short}` !== full),
  );
  const short = (name) =>
    name.includes('.') ? `${shortPackage(name.slice(0, name.lastIndexOf('.')))}${name.slice(name.lastIndexOf('.'))}` : name;
  const published = new Set(enums.filter((item) => item.published).map((item) => item.name));
  const blocks = types.map((type) =>
    [
      [short(type.name), type.groupVersion, type.kind && 'kind', type.atomic && 'atomic'].filter(Boolean).join(' '),
      ...type.fields.map((field) =>
        [
          field.name,
          field.number,
          field.prefix + short(field.base),
          field.flags,
          ...field.attributes.flatMap((text) => attribute(text, type)),
        ]
          .filter(Boolean)
          .join(' '),
      ),
    ].join('\n'),
  );
  function attribute(text, type) {
    if (!text.startsWith('enum=')) return [text];
    const value = text.slice('enum='.length);
    const full = value.includes('.') ? [...published].find((name) => short(name) === value) : `${type.package}.${value}`;
    return full && published.has(full) ? [`enum=${short(full)}`] : [];
  }
  for (const item of enums) if (item.published) blocks.push(['enum', short(item.name), ...item.values].join('\t'));
  return [
    '// Made by scripts/generate.mjs from packages/api/schema. Do not edit.',
    `export const typePackages: Readonly<Record<string, string>> = ${JSON.stringify(packages)};`,
    `export const typeTable: string = ${JSON.stringify(blocks.join('\n\n'))};`,
    '',
  ].join('\n');
}
