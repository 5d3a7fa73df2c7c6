/** What knows of itself that it is not as it was saved. */
interface Changing {
  readonly isDirty: boolean;
}

/**
 * What changed since the last save, in order. An item is added as it becomes dirty, so each is there once; one that is clean again, or gone,
 * counts no more. No `Set`: one that is emptied leaves its table behind, which points to the next; once an old one has become old
 * in the heap it keeps all that follow until the whole heap is collected, 30 bytes a reading.
 */
export class ChangedItems<T extends Changing> {
  readonly #items: (T | null)[] = [];
  #count = 0;

  add(item: T): void {
    this.#items[this.#count++] = item;
  }

  get size(): number {
    let size = 0;
    for (let i = 0; i < this.#count; i++) if (this.#items[i]!.isDirty) size++;
    return size;
  }

  forEach(one: (item: T) => void): void {
    for (let i = 0; i < this.#count; i++) {
      const item = this.#items[i]!;
      if (item.isDirty) one(item);
    }
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#items[i] = null;
    this.#count = 0;
  }
}
