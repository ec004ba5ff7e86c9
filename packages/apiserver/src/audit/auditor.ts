import { isUnauthorized, statusOf } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import { anonymous } from '../chain/user.ts';
import { auditIdOf } from '../chain/context.ts';
import type { RequestContext } from '../chain/context.ts';
import type { Step } from '../chain/chain.ts';
import { isLongRunning } from '../chain/long-running.ts';
import type { Outcome } from '../chain/outcome.ts';
import { answerObject, auditEvent, requestObjectOf } from './audit-event.ts';
import type { AuditedAnswer } from './audit-event.ts';
import type { AuditBackend, AuditMetrics } from './audit-backend.ts';
import { decide } from './audit-policy.ts';
import type { AuditDecision, AuditPolicy, AuditStage } from './audit-policy.ts';

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly backends: readonly AuditBackend[];
  readonly metrics: AuditMetrics;
  readonly clock: Clock;
}

/** One request while it is recorded. */
interface Recording {
  readonly context: RequestContext;
  readonly decision: AuditDecision;
  body: Uint8Array | undefined;
}

/** Records requests as a policy says. */
export class Auditor {
  private readonly options: AuditorOptions;

  constructor(options: AuditorOptions) {
    this.options = options;
  }

  /** Before authentication: those who could not say who they are leave a trace too. */
  readonly failedAuthentication: Step = async (context, next) => {
    try {
      return await next();
    } catch (error) {
      if (context.audited !== true && isUnauthorized(error)) {
        const user = { name: '', groups: [], extra: {} };
        context.user = user;
        const decision = decide(this.options.policy, user, context.info);
        if (decision.level !== 'None') {
          const status = { metadata: {}, status: 'Failure', message: attempted(context), reason: 'Unauthorized', code: 401 };
          this.emit({ context, decision, body: undefined }, 'ResponseStarted', { code: 401, status });
        }
        context.user = anonymous;
      }
      throw error;
    }
  };

  /** After authentication. */
  readonly record: Step = async (context, next) => {
    context.audited = true;
    const decision = decide(this.options.policy, context.user, context.info);
    if (decision.level === 'None') return next();
    context.auditAnnotations ??= new Map();
    const recording: Recording = { context, decision, body: undefined };
    if (decision.level !== 'Metadata') keepBody(recording);
    this.emit(recording, 'RequestReceived', undefined);
    let outcome: Outcome;
    try {
      outcome = await next();
    } catch (error) {
      const status = statusOf(error);
      this.emit(recording, 'ResponseComplete', { code: status?.code ?? 500, status, object: status });
      throw error;
    }
    const code = 'status' in outcome ? outcome.status : 200;
    if (isLongRunning(context)) {
      this.emit(recording, 'ResponseStarted', { code });
      context.request.signal.addEventListener('abort', () => this.emit(recording, 'ResponseComplete', { code }), { once: true });
    } else {
      const wantsObject = decision.level === 'RequestResponse' || outcome.kind === 'object';
      this.emit(recording, 'ResponseComplete', {
        code,
        ...(wantsObject ? { object: answerObject(outcome, decision.omitManagedFields) } : {}),
      });
    }
    return outcome;
  };

  async close(): Promise<void> {
    await Promise.all(this.options.backends.map((backend) => backend.close()));
  }

  private emit(recording: Recording, stage: AuditStage, answer: AuditedAnswer | undefined): void {
    const { context, decision, body } = recording;
    if (decision.omitStages.includes(stage)) return;
    const { backends, metrics, clock } = this.options;
    const requestObject =
      body === undefined || stage === 'RequestReceived'
        ? undefined
        : requestObjectOf(body, context.request.headers['content-type'] ?? '', decision.omitManagedFields);
    const event = auditEvent(context, auditIdOf(context), decision, stage, clock.now(), answer, requestObject);
    metrics.events.inc();
    for (const backend of backends) backend.record(event);
  }
}

/** Keeps what the handler reads of the body. */
function keepBody(recording: Recording): void {
  const { request } = recording.context;
  const { body } = request;
  if (body.kind === 'object') {
    recording.body = body.value === undefined ? undefined : Buffer.from(JSON.stringify(body.value));
    return;
  }
  if (body.kind !== 'bytes') return;
  Object.defineProperty(request, 'body', {
    value: {
      kind: 'bytes',
      read: async () => {
        const bytes = await body.read();
        recording.body = bytes;
        return bytes;
      },
    },
  });
}

function attempted(context: RequestContext): string {
  const ways: string[] = [];
  if (context.request.peer.kind === 'certificate' || context.request.peer.kind === 'untrusted-certificate') ways.push('x509');
  const authorization = context.request.headers['authorization'] ?? '';
  if (/^bearer /i.test(authorization)) ways.push('bearer');
  if (/^basic /i.test(authorization)) ways.push('basic');
  return ways.length === 0 ? 'Authentication failed, no credentials provided' : `Authentication failed, attempted: ${ways.join(', ')}`;
}
