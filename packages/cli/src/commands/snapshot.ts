import { restoreFromSnapshot } from './snapshot-restore.ts';
import type { RestoreOptions, RestoreSummary } from './snapshot-restore.ts';
import { saveSnapshot } from './snapshot-save.ts';
import type { SaveSummary, SnapshotOptions } from './snapshot-save.ts';

export type OutputFormat = 'text' | 'json';

/** `bayplan snapshot save`: resolves with what to print. */
export async function snapshotSave(options: SnapshotOptions, output: OutputFormat): Promise<string> {
  const summary = await saveSnapshot(options);
  return output === 'json' ? JSON.stringify(summary) : savedText(summary);
}

/** `bayplan snapshot restore`: resolves with what to print. */
export async function snapshotRestore(options: RestoreOptions, output: OutputFormat): Promise<string> {
  const summary = await restoreFromSnapshot(options);
  return output === 'json' ? JSON.stringify(summary) : restoredText(summary);
}

function savedText(summary: SaveSummary): string {
  return [
    `Saved ${summary.objects} objects (${kibibytes(summary.sizeBytes)}) to ${summary.file}`,
    `Keep the bootstrap secret too, apart from it: ${summary.bootstrapSecretFile}`,
    'Without the secret the snapshot cannot be restored; with both, everything in it can be read.',
  ].join('\n');
}

function restoredText(summary: RestoreSummary): string {
  return [
    `Restored ${summary.objects} objects from ${summary.file}`,
    ...(summary.movedTo === undefined ? [] : [`The store that was there is now ${summary.movedTo}`]),
    'Start the cluster as before; it writes a new kubeconfig.',
  ].join('\n');
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
