import { assert } from './assert.ts';

/** First in, first out, in a ring of fixed capacity. A full queue refuses; whoever offers must feel it. */
export class BoundedQueue<T> {
  readonly capacity: number;
  readonly #slots: (T | undefined)[];
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    assert(Number.isInteger(capacity) && capacity > 0, 'queue capacity is a positive integer');
    this.capacity = capacity;
    this.#slots = Array.from({ length: capacity });
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.capacity;
  }

  /** False when full. */
  offer(item: T): boolean {
    if (this.full) return false;
    this.#slots[(this.#head + this.#length) % this.capacity] = item;
    this.#length++;
    return true;
  }

  take(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.capacity;
    this.#length--;
    return item;
  }

  peek(): T | undefined {
    return this.#slots[this.#head];
  }
}
