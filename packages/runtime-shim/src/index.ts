export { cleanupAll } from './cleanup.ts';
export type { CleanupOptions } from './cleanup.ts';
export type { ImageRecord } from './images/image-store.ts';
export { loadImageArchive } from './load-image.ts';
export type { LoadImageOptions } from './load-image.ts';
export { runShim } from './shim.ts';
export type { Shim, ShimOptions } from './shim.ts';
