import type { RequestContext } from './context.ts';
import type { Step } from './chain.ts';

/** Receives one record a request, after it was answered. */
export interface AuditSink {
  record(context: RequestContext, status: number): void;
}

/** Step 2: the place where requests are recorded. Without a sink it costs nothing. */
export function audit(sink: AuditSink | undefined): Step {
  return async (context, next) => {
    if (sink === undefined) return next();
    const outcome = await next();
    sink.record(context, 'status' in outcome ? outcome.status : 200);
    return outcome;
  };
}
