/**
 * The duplicate fields of a JSON text that is known to be well formed: `duplicate field "spec.replicas"`,
 * each once, in document order. JSON.parse keeps the last of two without a word, so the text is read again.
 */
export function findDuplicateFields(text: string): string[] {
  const found = new Set<string>();
  const scopes: { keys: Set<string> | undefined; step: string | number }[] = [];
  let at = 0;
  let expectKey = false;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const end = stringEnd(text, at);
      const scope = scopes.at(-1);
      if (expectKey && scope?.keys) {
        const raw = text.slice(at + 1, end);
        const key = raw.includes('\\') ? (JSON.parse(text.slice(at, end + 1)) as string) : raw;
        scope.step = key;
        if (scope.keys.has(key)) found.add(`duplicate field "${pathOf(scopes)}"`);
        scope.keys.add(key);
        expectKey = false;
      }
      at = end + 1;
      continue;
    }
    if (code === 0x7b) {
      scopes.push({ keys: new Set(), step: '' });
      expectKey = true;
    } else if (code === 0x5b) {
      scopes.push({ keys: undefined, step: 0 });
      expectKey = false;
    } else if (code === 0x7d || code === 0x5d) {
      scopes.pop();
      expectKey = false;
    } else if (code === 0x2c) {
      const scope = scopes.at(-1);
      if (scope && typeof scope.step === 'number') scope.step++;
      else expectKey = true;
    }
    at++;
  }
  return [...found];
}

function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function pathOf(scopes: readonly { step: string | number }[]): string {
  let text = '';
  for (const { step } of scopes) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`;
  return text;
}
