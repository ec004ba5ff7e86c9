/** A binary heap of distinct items; the smallest by `compare` is taken first. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #index = new Map<T, number>();
  readonly #compare: (left: T, right: T) => number;

  constructor(compare: (left: T, right: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  has(item: T): boolean {
    return this.#index.has(item);
  }

  push(item: T): void {
    if (this.#index.has(item)) return;
    this.#items.push(item);
    this.#index.set(item, this.#items.length - 1);
    this.#up(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(first);
    return first;
  }

  delete(item: T): boolean {
    const at = this.#index.get(item);
    if (at === undefined) return false;
    this.#index.delete(item);
    const last = this.#items.pop();
    if (last !== undefined && at < this.#items.length) {
      this.#items[at] = last;
      this.#index.set(last, at);
      this.#up(at);
      this.#down(this.#index.get(last) ?? at);
    }
    return true;
  }

  #up(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(from: number): void {
    for (let at = from; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.#items.length && this.#before(child, least)) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(left: number, right: number): boolean {
    const [one, other] = [this.#items[left], this.#items[right]];
    return one !== undefined && other !== undefined && this.#compare(one, other) < 0;
  }

  #swap(left: number, right: number): void {
    const [one, other] = [this.#items[left], this.#items[right]];
    if (one === undefined || other === undefined) return;
    this.#items[left] = other;
    this.#items[right] = one;
    this.#index.set(other, left);
    this.#index.set(one, right);
  }
}
