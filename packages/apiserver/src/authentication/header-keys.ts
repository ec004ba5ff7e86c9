/** The key that ends a header's name (`Impersonate-Extra-…`, `X-Remote-Extra-…`), percent-decoded; as it came where that is not possible. */
export function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (error) {
    if (error instanceof URIError) return key;
    throw error;
  }
}
