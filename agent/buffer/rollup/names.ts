import type { Batch, Column } from '../../reading/batch.ts';
import { takes } from '../settings.ts';
import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';
import { leftOutMax, rollupFieldsMax, rollupSeriesMax } from './limits.ts';
import type { StreamRollup } from './rollup-memory.ts';

/** Numbers of series and fields, given out as they come. */
export class RollupNames {
  readonly #core: StoreCore;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** Numbers of the batch's series, and of the fields its columns go to. Inside a transaction. */
  of(
    stream: StreamState,
    rollup: StreamRollup,
    batch: Batch,
  ): { series: readonly number[]; fields: (column: Column) => number | null } {
    const series = batch.series.map((tags) =>
      this.#seriesNumber(stream, rollup, JSON.stringify(sorted(tags))),
    );
    return { series, fields: (column) => this.#columnNumber(stream, rollup, column) };
  }

  #seriesNumber(stream: StreamState, rollup: StreamRollup, tags: string): number {
    const known = rollup.series.get(tags);
    if (known !== undefined) return known;
    if (rollup.series.size >= rollupSeriesMax) return 0;
    const number = rollup.series.size + 1;
    this.#name(stream, 'series', { name: tags, number });
    rollup.series.set(tags, number);
    return number;
  }

  #columnNumber(stream: StreamState, rollup: StreamRollup, column: Column): number | null {
    const numeric = column.kind !== 'text' && column.kind !== 'bytes';
    const field = numeric ? this.#fieldNumber(stream, rollup, column.name) : null;
    if (field === null || column.kind === 'mixed') this.#leaveOut(stream, rollup, column.name);
    return field;
  }

  /** Null when the field is not rolled up. */
  #fieldNumber(stream: StreamState, rollup: StreamRollup, name: string): number | null {
    const known = rollup.fields.get(name);
    if (known !== undefined) return known;
    if (rollup.fields.size >= rollupFieldsMax || !matches(this.#core.settings.rollups.fields, name))
      return null;
    const number = rollup.fields.size;
    this.#name(stream, 'field', { name, number });
    rollup.fields.set(name, number);
    return number;
  }

  #leaveOut(stream: StreamState, rollup: StreamRollup, name: string): void {
    if (rollup.leftOut.has(name) || rollup.leftOut.size >= leftOutMax) return;
    this.#name(stream, 'left_out', { name, number: 0 });
    rollup.leftOut.add(name);
  }

  #name(stream: StreamState, kind: string, { name, number }: { name: string; number: number }): void {
    this.#core
      .prepare('INSERT OR REPLACE INTO rollup_names VALUES (?, ?, ?, ?)')
      .run(stream.id, kind, name, number);
  }
}

function sorted(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function matches(globs: readonly string[], name: string): boolean {
  return takes(globs.includes('*') ? ['*', '_*'] : globs, name);
}
