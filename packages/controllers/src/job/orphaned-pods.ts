import { isNotFound, resources } from '@bayplan/api';
import type { Job, Pod } from '@bayplan/api';
import { keyOf } from '@bayplan/client';
import type { Informer } from '@bayplan/client';
import { controlledBy, controllerOf } from '../owners/owner-references.ts';
import { queueFor, runController } from '../runtime/controller-context.ts';
import type { ControllerContext } from '../runtime/controller-context.ts';
import { isTracked, trackingFinalizer } from './job-pods.ts';
import { finishOf, isManagedElsewhere } from './job-spec.ts';

/** Takes the tracking finalizer off a pod; one that is gone is fine. */
export async function removeFinalizer({ client, signal }: ControllerContext, pod: Pod): Promise<void> {
  const { namespace, name = '', uid } = pod.metadata;
  const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] };
  try {
    await client.patch(resources.pods, { namespace, name }, 'strategic', { metadata }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Pods whose Job is gone or over: nobody counts them any more, so their finalizer must not hold them. */
export class OrphanedPods {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #queue;

  constructor(context: ControllerContext, jobs: Informer<Job>, pods: Informer<Pod>) {
    this.#context = context;
    this.#jobs = jobs;
    this.#pods = pods;
    this.#queue = queueFor(context, 'job_orphan_pod');
  }

  add(pod: Pod): void {
    this.#queue.add(keyOf(pod));
  }

  addAllOf(job: Job): void {
    for (const pod of controlledBy(this.#pods, job.metadata.uid ?? '')) if (isTracked(pod)) this.add(pod);
  }

  /** Works until the context's signal aborts. */
  run(): Promise<void> {
    const reconcile = async (key: string): Promise<void> => {
      const pod = this.#pods.lister.get(key);
      if (pod === undefined || !isTracked(pod)) return;
      const owner = controllerOf(pod);
      const job = owner?.kind === 'Job' ? this.#jobs.lister.get(`${pod.metadata.namespace ?? ''}/${owner.name}`) : undefined;
      const isCounted = job !== undefined && job.metadata.uid === owner?.uid && (finishOf(job) === undefined || isManagedElsewhere(job));
      if (!isCounted) await removeFinalizer(this.#context, pod);
    };
    return runController(this.#context, { queue: this.#queue, caches: [this.#jobs, this.#pods], workers: 1, reconcile });
  }
}
