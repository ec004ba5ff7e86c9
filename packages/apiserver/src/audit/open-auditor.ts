import { Counter } from '@bayplan/component-base';
import type { Clock, Logger, MetricsRegistry } from '@bayplan/component-base';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/config-node.ts';
import { readEndpoint } from '../config/kubeconfig-endpoint.ts';
import type { AuditBackend, AuditMetrics } from './audit-backend.ts';
import type { AuditOptions } from './audit-options.ts';
import { AuditLog } from './audit-log.ts';
import { readAuditPolicy } from './audit-policy.ts';
import { AuditWebhook } from './audit-webhook.ts';
import { Auditor } from './auditor.ts';

/** Opens what the options name. Undefined when nothing is to be recorded. Rejects with `ConfigError`. */
export async function openAuditor(
  options: AuditOptions,
  registry: MetricsRegistry,
  clock: Clock,
  logger: Logger,
): Promise<Auditor | undefined> {
  const { policyFile, log, webhook } = options;
  if (policyFile === undefined || (log === undefined && webhook === undefined)) {
    if (policyFile !== undefined || log !== undefined || webhook !== undefined)
      logger.warn('Nothing is audited: a policy and a log or a webhook are needed', {});
    return undefined;
  }
  const text = await readFile(policyFile, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`audit policy ${policyFile} could not be read: ${(cause as Error).message}`, { cause });
  });
  const policy = readAuditPolicy(text, policyFile);
  const metrics = createMetrics(registry);
  const shared = { clock, logger, metrics };
  const backends: AuditBackend[] = [];
  if (log !== undefined)
    backends.push(
      await AuditLog.open({
        ...shared,
        file: log.path,
        maxBytes: (log.maxSizeMb ?? 100) * 1024 * 1024,
        maxAgeDays: log.maxAgeDays ?? 366,
        maxBackups: log.maxBackups ?? 100,
      }).catch((cause: unknown) => {
        throw new ConfigError(`audit log ${log.path} could not be opened: ${(cause as Error).message}`, { cause });
      }),
    );
  if (webhook !== undefined)
    backends.push(
      new AuditWebhook({
        ...shared,
        endpoint: await readEndpoint(webhook.configFile),
        bufferSize: webhook.bufferSize ?? 10_000,
        batchSize: webhook.batchSize ?? 400,
        batchWaitMs: webhook.batchWaitMs ?? 30_000,
      }),
    );
  return new Auditor({ policy, backends, metrics, clock });
}

function createMetrics(registry: MetricsRegistry): AuditMetrics {
  const registers = [registry];
  return {
    events: new Counter({ name: 'apiserver_audit_event_total', help: 'Audit events that were made.', registers }),
    errors: new Counter({
      name: 'apiserver_audit_error_total',
      help: 'Audit events that were lost, by backend.',
      labelNames: ['plugin'],
      registers,
    }),
  };
}
