import type { ComponentCheck } from '@bayplan/apiserver';

/** A control loop of this process: unhealthy before it has begun and after it has ended. */
export class LoopHealth implements ComponentCheck {
  readonly name: string;
  private fault: string | undefined;

  constructor(name: string) {
    this.name = name;
    this.fault = `${name} has not started`;
  }

  /** Follows a loop that has begun. It is healthy once `ready` resolves (at once without), until `stopped` settles. */
  follow(loop: { readonly ready?: Promise<void>; readonly stopped: Promise<void> }): void {
    let ended = false;
    const well = (): void => {
      if (!ended) this.fault = undefined;
    };
    const end = (why: string): void => {
      ended = true;
      this.fault = `${this.name} has stopped${why}`;
    };
    const failed = (error: unknown): void => end(`: ${error instanceof Error ? error.message : String(error)}`);
    if (loop.ready === undefined) well();
    else {
      this.fault = `${this.name} is filling its caches`;
      loop.ready.then(well, failed);
    }
    loop.stopped.then(() => end(''), failed);
  }

  check(): Promise<void> {
    return this.fault === undefined ? Promise.resolve() : Promise.reject(new Error(this.fault));
  }
}
