import { readIfPresent } from '../home.ts';
import type { Home } from '../home.ts';
import { UserError } from '../user-error.ts';

/** The text of the administrator's kubeconfig. */
export async function readKubeconfig(home: Home): Promise<string> {
  const text = await readIfPresent(home.kubeconfig).catch((error: unknown) => {
    throw new UserError(`cannot read ${home.kubeconfig} (${(error as Error).message})`, 'use the account that runs the cluster');
  });
  if (text === undefined)
    throw new UserError(`${home.kubeconfig} does not exist`, 'start a cluster with `npm run up` or `bayplan server` first');
  return text;
}
