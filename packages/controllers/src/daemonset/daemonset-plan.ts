import type { DaemonSet, Node, Pod } from '@bayplan/api';
import { availableInMs, isFinished } from '../pods/pod-state.ts';
import { scaledValue } from '../runtime/scaled-value.ts';
import { byAge, isUpdated, targetNode } from './daemon-pods.ts';
import { judgeNode } from './node-fit.ts';

/** What to do next for a DaemonSet. Nodes get one pod each. */
export interface DaemonPlan {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

export interface DaemonView {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** Hash of the newest revision. */
  readonly hash: string;
  readonly nowMs: number;
}

/** Pods by the node they are for. Finished pods on their way out no longer hold a node. */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod);
    if (node === undefined || (isFinished(pod) && pod.metadata.deletionTimestamp !== undefined)) continue;
    const there = byNode.get(node);
    if (there) there.push(pod);
    else byNode.set(node, [pod]);
  }
  return byNode;
}

const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

function isAvailable({ daemonSet, nowMs }: DaemonView, pod: Pod): boolean {
  return availableInMs(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs) === 0;
}

/** The pods that a rolling update may have above and below the number of nodes. */
export function rollingLimits(daemonSet: DaemonSet, desired: number): { maxSurge: number; maxUnavailable: number } {
  const { maxSurge, maxUnavailable } = daemonSet.spec?.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge ?? 0, desired, 'up');
  const unavailable = scaledValue(maxUnavailable ?? 1, desired, 'up');
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function maySurge(daemonSet: DaemonSet): boolean {
  return daemonSet.spec?.updateStrategy?.type === 'RollingUpdate' && rollingLimits(daemonSet, 100).maxSurge > 0;
}

/**
 * One pod where one is wanted, none elsewhere. `finished` lists failed and succeeded pods, which are replaced at
 * the caller's pace and so are not among those to remove.
 */
export function planPlacement(view: DaemonView): DaemonPlan & { readonly finished: readonly Pod[] } {
  const create: string[] = [];
  const remove: Pod[] = [];
  const finished: Pod[] = [];
  const byNode = podsByNode(view.pods);
  const known = new Set<string>();
  for (const node of view.nodes) {
    const name = node.metadata.name ?? '';
    known.add(name);
    const there = byNode.get(name) ?? [];
    const { shouldRun, mayContinue } = judgeNode(view.daemonSet, node);
    if (shouldRun && there.length === 0) create.push(name);
    else if (mayContinue) {
      const staying = there.filter((pod) => !isLeaving(pod));
      finished.push(...staying.filter(isFinished));
      remove.push(
        ...surplus(
          view,
          staying.filter((pod) => !isFinished(pod)),
        ),
      );
    } else remove.push(...there.filter((pod) => !isLeaving(pod)));
  }
  // Pods for nodes that are gone, which nobody will ever run.
  for (const pod of view.pods) {
    if (pod.spec?.nodeName || isLeaving(pod) || known.has(targetNode(pod) ?? '')) continue;
    remove.push(pod);
  }
  return { create, remove, finished };
}

/** Pods of one node beyond what it may have: one, or an old one beside the new one during a surge. */
function surplus(view: DaemonView, running: readonly Pod[]): Pod[] {
  if (running.length <= 1) return [];
  const sorted = [...running].sort(byAge);
  if (!maySurge(view.daemonSet)) return sorted.slice(1);
  const fresh = sorted.filter((pod) => isUpdated(pod, view.hash));
  const old = sorted.filter((pod) => !isUpdated(pod, view.hash));
  const doomed = [...fresh.slice(1), ...old.slice(1)];
  const [newPod] = fresh;
  const [oldPod] = old;
  if (newPod && oldPod) {
    const oldIsReady = availableInMs(oldPod, 0, view.nowMs) !== undefined;
    if (!oldIsReady || isAvailable(view, newPod)) doomed.push(oldPod);
  }
  return doomed;
}

/** The next step of a rolling update, within `maxUnavailable` or `maxSurge`. */
export function planRollout(view: DaemonView): DaemonPlan {
  const byNode = podsByNode(view.pods);
  const wanted = view.nodes.filter((node) => judgeNode(view.daemonSet, node).shouldRun).map((node) => node.metadata.name ?? '');
  const wantedNodes = new Set(wanted);
  const { maxSurge, maxUnavailable } = rollingLimits(view.daemonSet, wanted.length);
  const nodes = new Map<string, readonly Pod[]>(byNode);
  for (const name of wanted) if (!nodes.has(name)) nodes.set(name, []);
  return maxSurge > 0 ? rolloutWithSurge(view, nodes, wantedNodes, maxSurge) : rolloutInPlace(view, nodes, wantedNodes, maxUnavailable);
}

/** The pods of one node by template; undefined when there are several of one kind, which placement sorts out first. */
function oldAndNew(view: DaemonView, pods: readonly Pod[]): { oldPod: Pod | undefined; newPod: Pod | undefined } | undefined {
  const staying = pods.filter((pod) => !isLeaving(pod));
  const fresh = staying.filter((pod) => isUpdated(pod, view.hash));
  const old = staying.filter((pod) => !isUpdated(pod, view.hash));
  return fresh.length > 1 || old.length > 1 ? undefined : { oldPod: old[0], newPod: fresh[0] };
}

function rolloutInPlace(
  view: DaemonView,
  nodes: ReadonlyMap<string, readonly Pod[]>,
  wanted: ReadonlySet<string>,
  maxUnavailable: number,
): DaemonPlan {
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const [name, pods] of nodes) {
    const found = oldAndNew(view, pods);
    if (found?.oldPod && !found.newPod) {
      if (isAvailable(view, found.oldPod)) candidates.push(found.oldPod);
      else {
        // Nothing is lost by replacing it, but it counts until its successor is there.
        broken.push(found.oldPod);
        unavailable++;
      }
    } else if (found?.newPod && !found.oldPod) {
      if (!isAvailable(view, found.newPod)) unavailable++;
    } else if (wanted.has(name) || pods.length > 0) unavailable++;
  }
  const allowed = Math.max(0, maxUnavailable - unavailable);
  return { create: [], remove: [...broken, ...candidates.slice(0, allowed)] };
}

function rolloutWithSurge(
  view: DaemonView,
  nodes: ReadonlyMap<string, readonly Pod[]>,
  wanted: ReadonlySet<string>,
  maxSurge: number,
): DaemonPlan {
  let surging = 0;
  const broken: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  for (const [name, pods] of nodes) {
    const found = oldAndNew(view, pods);
    if (found === undefined) surging++;
    else if (found.oldPod && found.newPod) {
      if (isAvailable(view, found.newPod)) remove.push(found.oldPod);
      else surging++;
    } else if (found.oldPod && wanted.has(name)) (isAvailable(view, found.oldPod) ? candidates : broken).push(name);
  }
  return { create: [...broken, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}
