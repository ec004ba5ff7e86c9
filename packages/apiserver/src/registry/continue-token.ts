import { badRequest } from '@bayplan/api';

/** The revision of a token that continues from whatever the state is by then. */
export const newest = -1;

/** Where the next page of a list goes on. */
export interface ContinueToken {
  readonly revision: number;
  /** The last key already shown. */
  readonly after: string;
}

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'bayplan/v1', rv: token.revision, after: token.after })).toString('base64url');
}

/** Throws `BadRequest` for a token that this server did not make. */
export function decodeContinue(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (token['v'] === 'bayplan/v1' && Number.isSafeInteger(token['rv']) && typeof token['after'] === 'string') {
      return { revision: Number(token['rv']), after: token['after'] };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badRequest('continue key is not valid');
}
