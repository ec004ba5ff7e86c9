import type { Clock, Logger } from '@bayplan/component-base';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { AuditBackend, AuditMetrics } from './audit-backend.ts';

const maxBufferBytes = 16 * 1024 * 1024;
const dayMs = 24 * 60 * 60 * 1000;

export interface AuditLogOptions {
  /** `-` is standard output. */
  readonly file: string;
  /** Size at which a file is put aside, bytes; 0 for never. */
  readonly maxBytes: number;
  /** Files put aside longer ago are removed; 0 keeps them. */
  readonly maxAgeDays: number;
  /** Files put aside that are kept; 0 keeps all. */
  readonly maxBackups: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: AuditMetrics;
}

/** Events as lines of JSON in a file that is put aside when it has grown. */
export class AuditLog implements AuditBackend {
  private readonly options: AuditLogOptions;
  private handle: FileHandle | undefined;
  private size = 0;
  private lines: Buffer[] = [];
  private buffered = 0;
  private writing: Promise<void> | undefined;

  private constructor(options: AuditLogOptions) {
    this.options = options;
  }

  /** Rejects when the file cannot be opened. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    if (options.file !== '-') {
      await mkdir(path.dirname(options.file), { recursive: true });
      await log.openFile();
    }
    return log;
  }

  record(event: object): void {
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    if (this.buffered + line.length > maxBufferBytes) {
      this.options.metrics.errors.inc({ plugin: 'log' });
      return;
    }
    this.lines.push(line);
    this.buffered += line.length;
    this.writing ??= this.write().finally(() => (this.writing = undefined));
  }

  async close(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
    await this.handle?.close();
    this.handle = undefined;
  }

  private async write(): Promise<void> {
    // Events of one turn of the event loop go out together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.lines.length > 0) {
      const { lines } = this;
      this.lines = [];
      const bytes = Buffer.concat(lines);
      try {
        await this.append(bytes);
      } catch (error) {
        this.options.metrics.errors.inc({ plugin: 'log' }, lines.length);
        this.options.logger.error('Audit log could not be written', { err: error, file: this.options.file });
      }
      this.buffered -= bytes.length;
    }
  }

  private async append(bytes: Buffer): Promise<void> {
    const { file, maxBytes } = this.options;
    if (file === '-') {
      await new Promise<void>((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())));
      return;
    }
    if (maxBytes > 0 && this.size > 0 && this.size + bytes.length > maxBytes) await this.rotate();
    const handle = this.handle ?? (await this.openFile());
    await handle.appendFile(bytes);
    this.size += bytes.length;
  }

  private async openFile(): Promise<FileHandle> {
    this.handle = await open(this.options.file, 'a', 0o600);
    this.size = (await this.handle.stat()).size;
    return this.handle;
  }

  private async rotate(): Promise<void> {
    const { file, clock } = this.options;
    await this.handle?.close();
    this.handle = undefined;
    const { dir, name, ext } = path.parse(file);
    const stamp = new Date(clock.now()).toISOString().replaceAll(':', '-').replace('Z', '');
    await rename(file, path.join(dir, `${name}-${stamp}${ext}`));
    await this.removeOld(dir, `${name}-`, ext);
  }

  private async removeOld(dir: string, prefix: string, ext: string): Promise<void> {
    const { maxBackups, maxAgeDays, clock } = this.options;
    const aside = (await readdir(dir)).filter((name) => name.startsWith(prefix) && name.endsWith(ext)).sort();
    const tooMany = maxBackups > 0 ? aside.slice(0, Math.max(0, aside.length - maxBackups)) : [];
    for (const name of aside) {
      const full = path.join(dir, name);
      const isOld = maxAgeDays > 0 && (await stat(full)).mtimeMs < clock.now() - maxAgeDays * dayMs;
      if (isOld || tooMany.includes(name)) await rm(full, { force: true });
    }
  }
}
