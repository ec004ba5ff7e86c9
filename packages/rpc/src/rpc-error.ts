/** The gRPC status codes by name; their numbers are fixed by the protocol. */
export const rpcCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type RpcCode = keyof typeof rpcCodes;

const codeNames = new Map<number, RpcCode>(Object.entries(rpcCodes).map(([name, code]) => [code, name as RpcCode]));

/** A failed call: thrown by clients, and by a server's handlers to choose the code their caller sees. */
export class RpcError extends Error {
  readonly code: RpcCode;

  constructor(code: RpcCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RpcError';
    this.code = code;
  }
}

/** The code of a failure, or undefined when it did not come from a call. */
export function rpcCodeOf(error: unknown): RpcCode | undefined {
  return error instanceof RpcError ? error.code : undefined;
}

/** Turns the number that grpc-js reports into an `RpcError`. */
export function rpcErrorFrom(code: number, details: string, cause?: unknown): RpcError {
  return new RpcError(codeNames.get(code) ?? 'UNKNOWN', details, cause === undefined ? undefined : { cause });
}
