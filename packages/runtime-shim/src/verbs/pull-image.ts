import { RpcError } from '@bayplan/rpc';
import type { PullImageRequest, PullImageResponse } from '@bayplan/rpc';
import type { ImageRecord } from '../images/image-store.ts';
import { pullImage as pull } from '../images/pull.ts';
import { credentialsOf } from '../images/registry-auth.ts';
import { imagesLock } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';

/** Makes an image available. Pulls of one name run one after the other, so the later ones find it there. */
export async function pullImage(runtime: Runtime, request: PullImageRequest, signal?: AbortSignal): Promise<PullImageResponse> {
  const name = request.image?.image ?? '';
  if (name === '') throw new RpcError('INVALID_ARGUMENT', 'There is no image to pull');
  const commit = (image: ImageRecord): Promise<void> =>
    runtime.locks.run(imagesLock, async () => {
      for (const layer of image.layers) {
        // Removing another image may have taken a layer that was found here.
        if ((await runtime.layers.get(layer)) === undefined) throw new RpcError('UNAVAILABLE', 'A layer was removed during the pull');
      }
      await runtime.images.put(image);
    });
  const record = await runtime.locks.run(`pull/${name}`, () =>
    pull({ commit, layers: runtime.layers, scratchFolder: runtime.layout.scratch, logger: runtime.logger }, name, {
      credentials: credentialsOf(request.auth),
      insecureRegistries: runtime.insecureRegistries,
      ...(signal ? { signal } : {}),
    }),
  );
  runtime.logger.info('Pulled an image', { image: name, imageId: record.id, bytes: record.sizeBytes });
  return { imageRef: record.digests[0] ?? record.id };
}
