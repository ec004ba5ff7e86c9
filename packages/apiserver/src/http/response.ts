/** An answer before its transport. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Record<string, string | readonly string[]>;
  readonly body: ResponseBody;
}

export type ResponseBody =
  | { readonly kind: 'bytes'; readonly chunks: readonly Uint8Array[] }
  /** Made while it is written, once; `length` bytes altogether. A chunk may be overwritten when the next is asked for. */
  | { readonly kind: 'pieces'; readonly length: number; readonly chunks: Iterable<Uint8Array> }
  /** Written as it comes; ends when the iterable ends. Compressed only if `compressible`: a watch must not wait for a block to fill. */
  | {
      readonly kind: 'stream';
      readonly chunks: AsyncIterable<Uint8Array | readonly Uint8Array[]>;
      readonly compressible?: boolean;
    };
