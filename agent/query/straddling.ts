import type { CoarseReading } from './coarse.ts';
import type { Group } from './group.ts';
import { straddlingMax } from './limits.ts';

/** A record of which some readings may belong to other windows than the one it counts in. */
interface Straddler {
  readonly first: number;
  readonly last: number;
  readonly readings: number;
  /** Event time it counts at; null: it counts nowhere. */
  readonly home: number | null;
}

/** What is known of when some readings were. */
type Spanning = Pick<CoarseReading, 'firstMicros' | 'lastMicros' | 'readings'>;

/** Coarse records over an edge of the range or of a window of the answer: once all groups are known, each that may hold some of a record is told. */
export class Straddling {
  /** By what the groups of all windows share. */
  readonly #records = new Map<string, Straddler[]>();
  #readings = 0;

  /** In all of them. */
  get readings(): number {
    return this.#readings;
  }

  /** `label`: of the groups that may hold some of it. */
  add(label: string, record: Spanning, home: number | null): void {
    this.#readings += record.readings;
    this.#remember(label, record, home);
  }

  /** Summaries over an edge of a time of which nothing finer is kept: some of their readings belong there, and they count nowhere. */
  addUncounted(label: string, record: Spanning): void {
    this.#remember(label, record, null);
  }

  #remember(label: string, record: Spanning, home: number | null): void {
    const { firstMicros: first, lastMicros: last, readings } = record;
    const of = this.#records.get(label) ?? [];
    of.push({ first, last, readings, home });
    this.#records.set(label, of.length > straddlingMax ? joined(of) : of);
  }

  settle(groups: readonly Group[]): void {
    for (const group of groups) {
      const { begin, end } = group;
      for (const { first, last, readings, home } of this.#records.get(group.label) ?? []) {
        const countsHere = home !== null && home >= begin && home < end;
        if (!countsHere && last >= begin && first < end) group.absent += readings;
      }
    }
  }
}

/** Half as many, each in place of two neighbours: they may then belong wherever one of them did. */
function joined(records: Straddler[]): Straddler[] {
  records.sort((a, b) => a.first - b.first);
  const half: Straddler[] = [];
  for (let i = 0; i < records.length; i += 2) {
    const [a, b] = [records[i]!, records[i + 1]];
    if (b === undefined) half.push(a);
    else
      half.push({
        first: a.first,
        last: Math.max(a.last, b.last),
        readings: a.readings + b.readings,
        home: null,
      });
  }
  return half;
}
