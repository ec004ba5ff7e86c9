/** Runs at most so many calls in one turn of the event loop and the others, in order, in the turns that follow. */
export class Turns {
  private readonly perTurn: number;
  private waiting: (() => void)[] = [];
  private used = 0;
  private scheduled = false;

  constructor(perTurn: number) {
    this.perTurn = perTurn;
  }

  /** Runs `call` at once if this turn has room for it. */
  run(call: () => void): void {
    if (!this.scheduled) {
      this.scheduled = true;
      this.used = 0;
      setImmediate(this.next);
    }
    if (this.used < this.perTurn && this.waiting.length === 0) {
      this.used++;
      call();
    } else this.waiting.push(call);
  }

  private readonly next = (): void => {
    this.used = 0;
    const calls = this.waiting.splice(0, this.perTurn);
    this.scheduled = this.waiting.length > 0;
    if (this.scheduled) setImmediate(this.next);
    this.used = calls.length;
    for (const call of calls) call();
  };
}
