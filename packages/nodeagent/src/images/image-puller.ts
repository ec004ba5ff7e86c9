import type { Container, Pod } from '@bayplan/api';
import type { Clock } from '@bayplan/component-base';
import type { AuthConfig, Draft, Image } from '@bayplan/rpc';
import type { ObjectSource } from '../runtime/object-source.ts';
import type { PodRuntime } from '../runtime/pod-runtime.ts';
import type { ImageUser } from '../runtime/security.ts';
import { credentialsFor } from './registry-credentials.ts';

export interface PresentImage {
  /** What the runtime calls the image. */
  readonly ref: string;
  readonly user: ImageUser;
}

/** An image is not there and could not be had. */
export class ImageError extends Error {
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError';

  constructor(reason: ImageError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface PullReport {
  /** Called as things happen, with the words of Kubernetes' events. */
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** Sees to it that the images of containers are there, by their pull policy. */
export interface ImagePuller {
  /** Throws `ImageError`. */
  ensure(pod: Pod, container: Container, report: PullReport, signal: AbortSignal): Promise<PresentImage>;
}

const pullDeadlineMs = 30 * 60 * 1000;

export function createImagePuller(runtime: PodRuntime, objects: ObjectSource, clock: Clock): ImagePuller {
  const underWay = new Map<string, Promise<string>>();

  const inspect = async (image: string, signal: AbortSignal): Promise<Image | undefined> => {
    const answer = await runtime.operation('image_status', () => runtime.cri.image.imageStatus({ image: { image } }, { signal }));
    return answer.image;
  };

  /** Pods that want the same image with the same credentials at the same time share one pull. */
  const pull = (image: string, auth: Draft<AuthConfig> | undefined): Promise<string> => {
    const key = `${image}\0${JSON.stringify(auth ?? null)}`;
    const present = underWay.get(key);
    if (present !== undefined) return present;
    // Not bound to one pod's signal: others may wait for the same pull.
    const begun = runtime
      .operation('pull_image', () =>
        runtime.cri.image.pullImage({ image: { image }, ...(auth === undefined ? {} : { auth }) }, { deadlineMs: pullDeadlineMs }),
      )
      .then((answer) => answer.imageRef)
      .finally(() => underWay.delete(key));
    underWay.set(key, begun);
    return begun;
  };

  return {
    async ensure(pod, container, report, signal) {
      const image = container.image ?? '';
      if (image === '' || /\s/.test(image))
        throw new ImageError(
          'InvalidImageName',
          `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
        );
      const policy = container.imagePullPolicy ?? 'IfNotPresent';
      const local = policy === 'Always' ? undefined : await inspect(image, signal);
      if (local !== undefined) {
        report.event('Normal', 'Pulled', `Container image "${image}" already present on machine and can be accessed by the pod`);
        return presentImage(local, local.id);
      }
      if (policy === 'Never') {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        report.event('Warning', 'ErrImageNeverPull', message);
        throw new ImageError('ErrImageNeverPull', message);
      }
      report.event('Normal', 'Pulling', `Pulling image "${image}"`);
      const begunMs = clock.monotonic();
      const credentials = await pullCredentials(pod, image, objects, signal);
      let ref = '';
      let problem: unknown;
      for (const auth of credentials.length > 0 ? credentials : [undefined]) {
        try {
          ref = await untilAborted(pull(image, auth), signal);
          problem = undefined;
          break;
        } catch (error) {
          if (signal.aborted) throw error;
          problem = error;
        }
      }
      if (problem !== undefined) {
        const message = problem instanceof Error ? problem.message : 'the runtime gave no reason';
        report.event('Warning', 'Failed', `Failed to pull image "${image}": ${message}`);
        throw new ImageError('ErrImagePull', message, { cause: problem });
      }
      const pulled = await inspect(image, signal);
      const took = formatDuration(clock.monotonic() - begunMs);
      report.event(
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${String(pulled?.size ?? 0)} bytes.`,
      );
      return presentImage(pulled, ref);
    },
  };
}

function presentImage(image: Image | undefined, ref: string): PresentImage {
  return { ref, user: { uid: image?.uid?.value, username: image?.username ?? '' } };
}

async function pullCredentials(pod: Pod, image: string, objects: ObjectSource, signal: AbortSignal): Promise<Draft<AuthConfig>[]> {
  const configs: string[] = [];
  for (const reference of pod.spec?.imagePullSecrets ?? []) {
    const secret = await objects.secret(pod.metadata.namespace ?? '', reference.name ?? '', 5_000, signal);
    const encoded = secret?.data?.['.dockerconfigjson'] ?? secret?.data?.['.dockercfg'];
    if (encoded !== undefined) configs.push(Buffer.from(encoded, 'base64').toString());
  }
  return credentialsFor(image, configs);
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** `850ms`, `3.204s`: as Kubernetes prints durations in events. */
export function formatDuration(ms: number): string {
  return ms < 1000 ? `${String(Math.round(ms))}ms` : `${String(Math.round(ms) / 1000)}s`;
}
