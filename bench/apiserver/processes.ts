import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Credentials } from './load-client.ts';

/** What the measured processes are asked; see `server-process.ts`. */
export interface Commands {
  start(options: { readonly role: 'server' | 'bare' }): { readonly url: string; readonly credentials: Credentials };
  /** The answer of the bare server to a path: the bytes of a file. */
  serve(options: { readonly path: string; readonly file: string }): null;
  /** Processor time since the process began, in milliseconds. */
  cpu(options: null): number;
  /** Collects garbage. */
  collect(options: null): null;
  /** How late the event loop came since the last call. */
  loopDelay(options: null): { readonly p99Ms: number; readonly maxMs: number };
  /** Durable writes a second to a store of the process's own, without an API. */
  rawWrites(options: { readonly writers: number; readonly durationMs: number; readonly bytes: number }): number;
  stop(options: null): null;
}

export type Command = keyof Commands;

export interface Question {
  readonly id: number;
  readonly command: Command;
  readonly options: unknown;
}

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A process that is measured: it has a processor of its own where the machine has one. */
export class MeasuredProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;

  constructor() {
    this.child = fork(new URL('./server-process.js', import.meta.url), { execArgv: [...process.execArgv, '--expose-gc'] });
    this.child.on('message', (message) => {
      const { id, value, error } = message as Reply;
      const asked = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) asked?.resolve(value);
      else asked?.reject(new Error(error));
    });
    this.child.on('exit', (code) => {
      for (const asked of this.waiting.values()) asked.reject(new Error(`the process ended with ${String(code)}`));
    });
  }

  ask<C extends Command>(command: C, ...[options]: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: (value) => resolve(value as ReturnType<Commands[C]>), reject });
      const question: Question = { id, command, options };
      this.child.send(question);
    });
  }

  /** Memory of the process itself: pages of mapped files, such as the store's, are the kernel's to drop. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${String(this.child.pid)}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  /** Runs `work` and tells how much more memory the process held at its height than before. */
  async growthDuring(work: () => Promise<unknown>): Promise<number> {
    await this.ask('collect', null);
    const before = await this.residentBytes();
    let peak = before;
    let done = false;
    const sampling = (async () => {
      while (!done) {
        peak = Math.max(peak, await this.residentBytes());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    try {
      await work();
    } finally {
      done = true;
      await sampling;
    }
    return peak - before;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    await this.ask('stop', null);
    this.child.disconnect();
    await exited;
  }
}
