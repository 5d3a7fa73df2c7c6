import { OffsetSet } from './offset-set.ts';
import type { ReceivedLine } from './parse-lines.ts';

type Runs = readonly (readonly [number, number])[];

/** What of one stream is known, as the index keeps it. Raw readings alone need `runs` only. */
export interface KnownRuns {
  /** Every offset that some line covers. */
  readonly runs: Runs;
  /** Once summaries came: offsets that came raw, and by fidelity what summaries cover and where they begin. */
  readonly raw?: Runs;
  readonly summaries?: readonly { readonly fidelity: string; readonly first: Runs; readonly covered: Runs }[];
}

/** Finest first. */
const fidelities = ['segment', 'window', 'sketch'] as const;

interface Rung {
  readonly first: OffsetSet;
  readonly covered: OffsetSet;
}

/** Takes a line back. */
export type Undo = () => void;

/**
 * Offsets of one stream, and which lines told of them. A raw reading is known by its offset. A summary is known when one of its fidelity begins
 * at its offset, or when finer lines cover all of its span: an agent sends a summary for what it may have sent raw before it became coarser, where the
 * answer was lost. One that finer lines cover in part is kept: what it stands for can not be told apart.
 */
export class KnownOffsets {
  readonly #all: OffsetSet;
  /** Null while everything came raw: then it is `#all`. */
  #raw: OffsetSet | null;
  readonly #rungs = new Map<string, Rung>();

  constructor({ runs, raw, summaries = [] }: KnownRuns = { runs: [] }) {
    this.#all = new OffsetSet(runs);
    this.#raw = raw === undefined ? null : new OffsetSet(raw);
    for (const { fidelity, first, covered } of summaries) {
      this.#rungs.set(fidelity, { first: new OffsetSet(first), covered: new OffsetSet(covered) });
    }
  }

  get max(): number {
    return this.#all.max;
  }

  get runCount(): number {
    let count = this.#all.runCount + (this.#raw?.runCount ?? 0);
    for (const { first, covered } of this.#rungs.values()) count += first.runCount + covered.runCount;
    return count;
  }

  missing(): number {
    return this.#all.missing();
  }

  holes(limit: number): [first: number, until: number][] {
    return this.#all.holes(limit);
  }

  runs(): KnownRuns {
    if (this.#raw === null) return { runs: this.#all.runs() };
    const summaries = Array.from(this.#rungs, ([fidelity, { first, covered }]) => ({
      fidelity,
      first: first.runs(),
      covered: covered.runs(),
    }));
    return { runs: this.#all.runs(), raw: this.#raw.runs(), summaries };
  }

  /** Null when the line tells nothing new. */
  add({ offset, until, fidelity }: Pick<ReceivedLine, 'offset' | 'until' | 'fidelity'>): Undo | null {
    if (fidelity !== 'raw') return this.#addSummary(offset, until, fidelity);
    if (this.#raw === null) {
      if (!this.#all.add(offset)) return null;
      return () => {
        // A summary of the same request may have come between.
        this.#raw?.delete(offset);
        this.#all.delete(offset);
      };
    }
    const raw = this.#raw;
    if (!raw.add(offset)) return null;
    const isNew = this.#all.add(offset);
    return () => {
      raw.delete(offset);
      if (isNew) this.#all.delete(offset);
    };
  }

  #addSummary(offset: number, until: number, fidelity: string): Undo | null {
    this.#raw ??= new OffsetSet(this.#all.runs());
    const rung = this.#rung(fidelity);
    if (rung.first.has(offset) || this.#isTold(offset, until, fidelity)) return null;
    rung.first.add(offset);
    const covered = rung.covered.addRange(offset, until);
    const all = this.#all.addRange(offset, until);
    return () => {
      rung.first.delete(offset);
      for (const [from, to] of covered) rung.covered.deleteRange(from, to);
      for (const [from, to] of all) this.#all.deleteRange(from, to);
    };
  }

  /** Finer lines cover the whole span. */
  #isTold(offset: number, until: number, fidelity: string): boolean {
    const finer = [this.#raw];
    for (const name of fidelities) {
      if (name === fidelity) break;
      finer.push(this.#rungs.get(name)?.covered ?? null);
    }
    let at = offset;
    for (let before = -1; at < until && at > before;) {
      before = at;
      for (const set of finer) at = Math.max(at, set?.endOf(at) ?? at);
    }
    return at >= until;
  }

  #rung(fidelity: string): Rung {
    let rung = this.#rungs.get(fidelity);
    if (rung === undefined) {
      rung = { first: new OffsetSet(), covered: new OffsetSet() };
      this.#rungs.set(fidelity, rung);
    }
    return rung;
  }
}
