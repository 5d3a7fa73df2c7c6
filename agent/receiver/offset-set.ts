import { assert } from '../base/assert.ts';

/** A set of offsets as disjoint, ascending runs that never touch. Adding at the end, the usual case, is O(1). */
export class OffsetSet {
  readonly #first: number[];
  /** One past the last of the run. */
  readonly #until: number[];

  constructor(runs: readonly (readonly [number, number])[] = []) {
    this.#first = runs.map((run) => run[0]);
    this.#until = runs.map((run) => run[1]);
    for (let i = 0; i < this.#first.length; i++) {
      assert(
        this.#first[i]! < this.#until[i]! && (i === 0 || this.#first[i]! > this.#until[i - 1]!),
        'runs are ascending',
      );
    }
  }

  get runCount(): number {
    return this.#first.length;
  }

  /** Highest offset, -1 when empty. */
  get max(): number {
    return (this.#until.at(-1) ?? 0) - 1;
  }

  has(offset: number): boolean {
    const run = this.#runAt(offset);
    return run >= 0 && offset < this.#until[run]!;
  }

  /** False when it was there already. */
  add(offset: number): boolean {
    const run = this.#runAt(offset);
    if (run >= 0 && offset < this.#until[run]!) return false;
    const joinsLeft = run >= 0 && this.#until[run] === offset;
    const joinsRight = run + 1 < this.#first.length && this.#first[run + 1] === offset + 1;
    if (joinsLeft && joinsRight) {
      this.#until[run] = this.#until[run + 1]!;
      this.#first.splice(run + 1, 1);
      this.#until.splice(run + 1, 1);
    } else if (joinsLeft) this.#until[run] = offset + 1;
    else if (joinsRight) this.#first[run + 1] = offset;
    else {
      this.#first.splice(run + 1, 0, offset);
      this.#until.splice(run + 1, 0, offset + 1);
    }
    return true;
  }

  /** False when it was not there. */
  delete(offset: number): boolean {
    const run = this.#runAt(offset);
    if (run < 0 || offset >= this.#until[run]!) return false;
    const first = this.#first[run]!;
    const until = this.#until[run]!;
    if (until - first === 1) {
      this.#first.splice(run, 1);
      this.#until.splice(run, 1);
    } else if (offset === first) this.#first[run] = offset + 1;
    else if (offset === until - 1) this.#until[run] = offset;
    else {
      this.#until[run] = offset;
      this.#first.splice(run + 1, 0, offset + 1);
      this.#until.splice(run + 1, 0, until);
    }
    return true;
  }

  /** The end of the run that holds `offset`; `offset` itself when none does. */
  endOf(offset: number): number {
    const run = this.#runAt(offset);
    return run >= 0 && offset < this.#until[run]! ? this.#until[run]! : offset;
  }

  /** Answers the parts of the range that were not there. O(runs). */
  addRange(from: number, until: number): [first: number, until: number][] {
    const added: [number, number][] = [];
    let low = from;
    let high = until;
    let at = this.#runAt(from);
    // A run that ends where the range begins is joined.
    if (at < 0 || this.#until[at]! < from) at++;
    let end = at;
    let covered = from;
    for (; end < this.#first.length && this.#first[end]! <= until; end++) {
      if (this.#first[end]! > covered) added.push([covered, this.#first[end]!]);
      covered = Math.max(covered, this.#until[end]!);
      low = Math.min(low, this.#first[end]!);
      high = Math.max(high, this.#until[end]!);
    }
    if (covered < until) added.push([covered, until]);
    this.#first.splice(at, end - at, low);
    this.#until.splice(at, end - at, high);
    return added;
  }

  /** The range lies within one run. */
  deleteRange(from: number, until: number): void {
    const run = this.#runAt(from);
    assert(run >= 0 && until <= this.#until[run]! && from < until, 'the range is there');
    const kept: [number, number][] = [];
    if (this.#first[run]! < from) kept.push([this.#first[run]!, from]);
    if (this.#until[run]! > until) kept.push([until, this.#until[run]!]);
    this.#first.splice(run, 1, ...kept.map(([first]) => first));
    this.#until.splice(run, 1, ...kept.map(([, end]) => end));
  }

  runs(): [first: number, until: number][] {
    return this.#first.map((first, i) => [first, this.#until[i]!]);
  }

  /** Offsets below the highest that are missing, from 0. */
  missing(): number {
    let present = 0;
    for (let i = 0; i < this.#first.length; i++) present += this.#until[i]! - this.#first[i]!;
    return this.max + 1 - present;
  }

  /** The first `limit` holes from 0 on. */
  holes(limit: number): [first: number, until: number][] {
    const holes: [number, number][] = [];
    let from = 0;
    for (let i = 0; i < this.#first.length && holes.length < limit; i++) {
      if (this.#first[i]! > from) holes.push([from, this.#first[i]!]);
      from = this.#until[i]!;
    }
    return holes;
  }

  /** Index of the last run that starts at or before `offset`, -1 when none does. */
  #runAt(offset: number): number {
    let low = 0;
    let high = this.#first.length;
    if (high > 0 && this.#first[high - 1]! <= offset) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#first[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
