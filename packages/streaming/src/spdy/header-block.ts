import { constants, createDeflate, createInflate } from 'node:zlib';

/** Names that SPDY/3 (draft 3.1, section 2.6.10.1) gives zlib to start with, each behind its length. */
const dictionaryNames =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status'.split(
    ' ',
  );
const dictionaryMore = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'];
const dictionaryTail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found' +
  '500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 ' +
  'Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,' +
  'text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

function withLength(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}

/** The 1,423 bytes that both ends prime their compressors with. */
export const spdyDictionary: Buffer = Buffer.concat([
  ...[...dictionaryNames, ...dictionaryMore].map(withLength),
  Buffer.from(dictionaryTail),
]);

export type SpdyHeaders = Readonly<Record<string, string>>;

/** A whole block fits; a longer one stalls the connection instead of growing without bound. */
const maxBlockBytes = 64 * 1024;

/** Encodes the header blocks of one direction of a connection; they share one compressor, so order matters. */
export class HeaderEncoder {
  readonly #deflate = createDeflate({ dictionary: spdyDictionary, chunkSize: maxBlockBytes });

  async encode(headers: SpdyHeaders): Promise<Buffer> {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(Object.keys(headers).length);
    const plain = Buffer.concat([
      count,
      ...Object.entries(headers).flatMap(([name, value]) => [withLength(name.toLowerCase()), withLength(value)]),
    ]);
    this.#deflate.write(plain);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return (this.#deflate.read() as Buffer | null) ?? Buffer.alloc(0);
  }

  close(): void {
    this.#deflate.close();
  }
}

/** Decodes the header blocks of the other direction. */
export class HeaderDecoder {
  readonly #inflate = createInflate({
    dictionary: spdyDictionary,
    chunkSize: maxBlockBytes,
    finishFlush: constants.Z_SYNC_FLUSH,
  });

  async decode(block: Buffer): Promise<SpdyHeaders> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(error);
      this.#inflate.once('error', fail);
      this.#inflate.write(block, () => {
        this.#inflate.off('error', fail);
        resolve();
      });
    });
    return parseBlock((this.#inflate.read() as Buffer | null) ?? Buffer.alloc(0));
  }

  close(): void {
    this.#inflate.close();
  }
}

function parseBlock(plain: Buffer): SpdyHeaders {
  let at = 4;
  const next = (): string => {
    const length = plain.readUInt32BE(at);
    at += 4 + length;
    if (at > plain.length) throw new Error('A SPDY header block is cut short');
    return plain.toString('utf8', at - length, at);
  };
  const headers: Record<string, string> = {};
  if (plain.length < 4) return headers;
  for (let count = plain.readUInt32BE(0); count > 0; count -= 1) {
    const name = next().toLowerCase();
    headers[name] = next();
  }
  return headers;
}
