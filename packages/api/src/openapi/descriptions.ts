/** By type name; the key '' describes the type itself, the others its fields. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Unpacks the descriptions of all types (about 600 KB of text). They are kept by nobody: call again when
 * they are needed again, a few milliseconds each time.
 */
export async function loadDescriptions(): Promise<Descriptions> {
  const { packedDescriptions } = await import('../generated/descriptions.ts');
  const packed = Uint8Array.from(atob(packedDescriptions), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text()) as Descriptions;
}
