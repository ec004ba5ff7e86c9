import { createLogger, shutdownSignal } from '@bayplan/component-base';
import path from 'node:path';
import { runAgent } from '../cluster/agent.ts';
import type { AgentOptions } from '../cluster/agent.ts';
import { joinCluster } from '../cluster/join.ts';
import { loadNodeCredentials, saveNodeCredentials } from '../cluster/node-credentials.ts';
import type { NodeCredentials } from '../cluster/node-credentials.ts';
import { nodeProcessArgs } from '../cluster/node-process.ts';
import { prepareHome } from '../home.ts';
import { ensureNodePrerequisites, ensurePortFree } from '../host/prerequisites.ts';
import { recordProcess, refuseSecondInstance } from '../host/process-record.ts';
import { createProgress } from '../progress.ts';
import { UserError } from '../user-error.ts';
import { parseJoinToken } from './token.ts';

export type AgentCommandOptions = Omit<AgentOptions, 'credentials' | 'shimArgs' | 'logger' | 'signal'> & { readonly token?: string };

/** `bayplan agent`: joins if it must, then runs until a signal. Containers keep running after it. */
export async function runAgentCommand(options: AgentCommandOptions): Promise<void> {
  const { home, criSocket } = options;
  const progress = createProgress(process.stderr, Date.now);
  await prepareHome(home);
  await refuseSecondInstance(home, ['agent']);
  await ensureNodePrerequisites(progress);
  progress.done();
  await ensurePortFree(options.port, '--node-port');
  const forget = await recordProcess(home.run, 'agent');
  try {
    const logger = createLogger({ component: 'agent', file: path.join(home.logs, 'agent.log'), format: 'json' });
    const signal = shutdownSignal(logger);
    const credentials = (await loadNodeCredentials(home)) ?? (await join(options, signal));
    const shimArgs = nodeProcessArgs('shim', { home: home.dir, 'cri-socket': criSocket });
    await runAgent({ ...options, credentials, shimArgs, logger, signal });
  } finally {
    await forget();
  }
}

async function join(options: AgentCommandOptions, signal: AbortSignal): Promise<NodeCredentials> {
  if (options.token === undefined)
    throw new UserError('this machine has not joined a cluster', 'give a token with --token, made by `bayplan token create` on a server');
  const token = parseJoinToken(options.token);
  if (token === undefined) throw new UserError('the token is not whole', 'copy it as `bayplan token create` printed it', 2);
  const credentials = await joinCluster({ ...options, token, signal });
  await saveNodeCredentials(options.home, credentials);
  return credentials;
}
