import { Quality, type Batch, type Column } from '../../reading/batch.ts';
import { rollupLevels } from './limits.ts';
import { Rolled, type PieceEntry } from './rolled.ts';

const width = rollupLevels[0].micros;

/** Rows of a batch that belong to one series and minute: `order[starts[g] … starts[g + 1] - 1]`. The bad ones are left out. */
interface Groups {
  readonly rolled: readonly Rolled[];
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
}

/**
 * Summaries of one stream by series and minute that are not written yet. A batch is sorted by them once; then each column goes in run by run,
 * numbers in a row: a tenth of the price of looking up the summary of each value.
 */
export class OpenWindows {
  /** Readings in it. */
  readings = 0;
  /** About what it takes in memory, and what it will as pieces. */
  memoryBytes = 0;
  pieceBytes = 0;
  /** By minute, by number of the series. */
  readonly #minutes = new Map<number, Map<number, Rolled>>();
  #values = new Float64Array(1_024);

  /** `series`: numbers of the batch's. `fieldOf`: number of a column's field; null when it is not summed up. */
  take(batch: Batch, series: readonly number[], fieldOf: (column: Column) => number | null): void {
    const groups = this.#groupsOf(batch, series);
    for (const column of batch.columns) {
      const field = fieldOf(column);
      if (field === null) continue;
      for (let group = 0; group < groups.rolled.length; group++) {
        const count = this.#gather(column, groups, group);
        if (count > 0) this.#update(groups.rolled[group]!, field, count);
      }
    }
    this.readings += batch.length;
  }

  /** In no order. */
  *entries(): Generator<PieceEntry> {
    for (const [minute, bySeries] of this.#minutes) {
      for (const [series, rolled] of bySeries) yield { minute, series, rolled };
    }
  }

  #update(rolled: Rolled, field: number, count: number): void {
    const before = rolled.fields.size;
    const summary = rolled.summary(field);
    if (rolled.fields.size === before) {
      this.memoryBytes -= summary.memoryBytes;
      this.pieceBytes -= summary.writtenBytes;
    }
    summary.updateAll(this.#values, count);
    this.memoryBytes += summary.memoryBytes;
    this.pieceBytes += summary.writtenBytes;
  }

  /** Puts the finite numbers of a run into `#values`; answers how many. */
  #gather({ kind, present, values }: Column, { order, starts }: Groups, group: number): number {
    const [from, to] = [starts[group]!, starts[group + 1]!];
    if (to - from > this.#values.length) this.#values = new Float64Array(2 * (to - from));
    const taken = this.#values;
    let count = 0;
    if (kind === 'number') {
      for (let i = from; i < to; i++) {
        const row = order[i]!;
        const value = values[row]!;
        if ((present === null || present[row] !== 0) && value - value === 0) taken[count++] = value;
      }
      return count;
    }
    for (let i = from; i < to; i++) {
      const row = order[i]!;
      const given = values[row];
      if (present !== null && present[row] === 0) continue;
      const value = typeof given === 'bigint' || typeof given === 'boolean' ? Number(given) : given;
      if (typeof value === 'number' && Number.isFinite(value)) taken[count++] = value;
    }
    return count;
  }

  #groupsOf(
    { length, series: tags, seriesIndex, timeMicros, quality }: Batch,
    numbers: readonly number[],
  ): Groups {
    const rolled: Rolled[] = [];
    const known = new Map<Rolled, number>();
    // Rows of one series mostly follow each other within a minute.
    const begins = new Float64Array(tags.length).fill(NaN);
    const latest = new Uint32Array(tags.length);
    const groupOf = new Uint32Array(length);
    for (let row = 0; row < length; row++) {
      const series = seriesIndex[row]!;
      const time = timeMicros[row]!;
      if (!(time >= begins[series]! && time < begins[series]! + width)) {
        const minute = Math.floor(time / width) * width;
        const one = this.#rolled(minute, numbers[series]!);
        let group = known.get(one);
        if (group === undefined) {
          group = rolled.push(one) - 1;
          known.set(one, group);
        }
        begins[series] = minute;
        latest[series] = group;
      }
      groupOf[row] = latest[series]!;
    }
    const starts = new Uint32Array(rolled.length + 1);
    for (let row = 0; row < length; row++) {
      const group = groupOf[row]!;
      const one = rolled[group]!;
      one.readings++;
      if (quality[row] === Quality.bad) one.bad++;
      else starts[group + 1]!++;
    }
    for (let group = 0; group < rolled.length; group++) starts[group + 1]! += starts[group]!;
    const next = starts.slice();
    const order = new Uint32Array(starts[rolled.length]!);
    for (let row = 0; row < length; row++) {
      if (quality[row] !== Quality.bad) order[next[groupOf[row]!]!++] = row;
    }
    return { rolled, order, starts };
  }

  #rolled(minute: number, series: number): Rolled {
    let bySeries = this.#minutes.get(minute);
    if (bySeries === undefined) this.#minutes.set(minute, (bySeries = new Map()));
    let rolled = bySeries.get(series);
    if (rolled === undefined) {
      bySeries.set(series, (rolled = new Rolled()));
      this.memoryBytes += entryBytes;
      this.pieceBytes += entryPieceBytes;
    }
    return rolled;
  }
}

/** Of one series and minute, without its summaries. */
const entryBytes = 400;
const entryPieceBytes = 16;

/** What one reading adds to pieces at most. */
export function entryBytesMax(columns: number): number {
  return entryPieceBytes + columns * summaryBytes;
}

/** Of one value, as a summary says of itself. */
const summaryBytes = 56;
