import { badRequest } from '@bayplan/api';
import type { Pod } from '@bayplan/api';

/** Query parameters of `pods/NAME/exec` and `attach`, and what the node API calls them. */
const streamFlags = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const;

const logOptions = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'];

/** The container that is meant when none is named. Throws `BadRequest` when that is not clear. */
export function containerOf(pod: Pod, asked: string | null): string {
  const { spec, metadata } = pod;
  const containers = (spec?.containers ?? []).map((container) => container.name);
  const others = [...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])].map((container) => container.name);
  const name = metadata.name ?? '';
  if (asked) {
    if (![...containers, ...others].includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  const [only] = containers;
  if (only !== undefined && containers.length === 1) return only;
  const init = (spec?.initContainers ?? []).map((container) => container.name);
  const hint = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]${hint}`);
}

/** Path and query of the node API for `exec` and `attach`. */
export function commandPath(action: 'exec' | 'attach', pod: Pod, query: URLSearchParams): string {
  const passed = new URLSearchParams();
  for (const [ours, theirs] of streamFlags) if (isOn(query.get(ours))) passed.set(theirs, '1');
  if (action === 'exec') for (const word of query.getAll('command')) passed.append('command', word);
  return `${pathOfPod(action, pod)}/${encodeURIComponent(containerOf(pod, query.get('container')))}?${passed.toString()}`;
}

export function portForwardPath(pod: Pod, query: URLSearchParams): string {
  const passed = new URLSearchParams();
  for (const ports of query.getAll('ports')) for (const port of ports.split(',')) if (port !== '') passed.append('port', port);
  const text = passed.toString();
  return `${pathOfPod('portForward', pod)}${text === '' ? '' : `?${text}`}`;
}

export function logPath(pod: Pod, query: URLSearchParams): string {
  const passed = new URLSearchParams();
  for (const option of logOptions) {
    const value = query.get(option);
    if (value !== null) passed.set(option, value);
  }
  const text = passed.toString();
  return `${pathOfPod('containerLogs', pod)}/${encodeURIComponent(containerOf(pod, query.get('container')))}${text === '' ? '' : `?${text}`}`;
}

function pathOfPod(action: string, pod: Pod): string {
  return `/${action}/${encodeURIComponent(pod.metadata.namespace ?? '')}/${encodeURIComponent(pod.metadata.name ?? '')}`;
}

function isOn(value: string | null): boolean {
  return value === 'true' || value === '1';
}
