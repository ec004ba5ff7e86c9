import type { Clock, Logger } from '@bayplan/component-base';
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Files change in several steps; this long after the first one they are read. */
const settleMs = 250;
/** For changes that the kernel does not tell of: network file systems. */
const recheckMs = 60_000;

export interface WatchedFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes a content that differs from the last one; what it throws is logged, and the old content stays in use. */
  readonly apply: (text: string) => Promise<void> | void;
  /** Called after every attempt on a changed content. */
  readonly onReload?: (succeeded: boolean) => void;
}

/** A configuration file that is read again when it changes, also when it is a mounted ConfigMap whose link is swapped. */
export class WatchedFile {
  private readonly options: WatchedFileOptions;
  private watcher: FSWatcher | undefined;
  private timer: { cancel(): void } | undefined;
  private last = '';
  private reading = false;
  private again = false;
  private closed = false;

  private constructor(options: WatchedFileOptions) {
    this.options = options;
  }

  /** Reads and applies the file, then follows it. Rejects when it cannot be read, and with what `apply` throws. */
  static async open(options: WatchedFileOptions): Promise<WatchedFile> {
    const file = new WatchedFile(options);
    file.last = await readFile(options.file, 'utf8');
    await options.apply(file.last);
    file.follow();
    return file;
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
    this.timer?.cancel();
  }

  private follow(): void {
    const { file, logger } = this.options;
    try {
      this.watcher = watch(path.dirname(file), { persistent: false }, () => this.schedule(settleMs));
      this.watcher.on('error', (error) => logger.warn('Configuration file could not be watched', { err: error, file }));
    } catch (error) {
      // Still read once a minute.
      logger.warn('Configuration file could not be watched', { err: error, file });
    }
    this.schedule(recheckMs);
  }

  private schedule(delayMs: number): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.options.clock.after(delayMs, () => void this.check(), { unref: true });
  }

  private async check(): Promise<void> {
    if (this.reading) {
      this.again = true;
      return;
    }
    this.reading = true;
    const { file, logger, apply, onReload } = this.options;
    try {
      const text = await readFile(file, 'utf8');
      if (text !== this.last) {
        this.last = text;
        await apply(text);
        logger.info('Configuration file was read again', { file });
        onReload?.(true);
      }
    } catch (error) {
      logger.error('Configuration file could not be used, the previous one stays in use', { err: error, file });
      onReload?.(false);
    } finally {
      this.reading = false;
    }
    const soon = this.again;
    this.again = false;
    this.schedule(soon ? settleMs : recheckMs);
  }
}
