import type { ScorePlugin } from '../framework/plugin.ts';

const megabyte = 1024 * 1024;
/** Below this, fetching costs so little that it is ignored; above the other, for each container, more makes no difference. */
const smallBytes = 23 * megabyte;
const largeBytesPerContainer = 1000 * megabyte;

/** Prefers nodes that hold the pod's images, by size; an image held by few nodes counts less, so that they are not all chosen for it. */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  scope: 'node',
  normalize: 'none',
  preScore: (shape, snapshot) => (shape.images.some((image) => snapshot.image(withTag(image)) !== undefined) ? 'run' : 'skip'),
  score(shape, snapshot, nodes, scores) {
    const total = snapshot.live.size;
    const large = largeBytesPerContainer * shape.images.length;
    const held = shape.images.map((image) => snapshot.image(withTag(image))).filter((image) => image !== undefined);
    const spread = held.map((image) => ({ nodes: image.nodes, bytes: (image.sizeBytes * image.nodes.size) / total }));
    nodes.forEach((row) => {
      let bytes = 0;
      for (const image of spread) if (image.nodes.has(row)) bytes += image.bytes;
      scores[row] = Math.floor((100 * (Math.min(Math.max(bytes, smallBytes), large) - smallBytes)) / (large - smallBytes));
    });
  },
};

/** Nodes report images with a tag or digest. */
export function withTag(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? image : `${image}:latest`;
}
