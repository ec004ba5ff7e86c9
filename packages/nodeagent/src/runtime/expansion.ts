/**
 * Replaces `$(NAME)` by its value; `$$(NAME)` stands for a literal `$(NAME)`, and references to names
 * that are not set stay as they are. Source: Kubernetes' documented rules for `env`, `command` and `args`.
 */
export function expandReferences(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return name === undefined ? whole : (values.get(name) ?? whole);
  });
}
