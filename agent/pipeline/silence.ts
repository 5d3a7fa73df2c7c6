import type { Micros } from '../base/units.ts';
import { micros } from '../base/units.ts';
import { BatchBuilder } from '../reading/batch-builder.ts';
import type { Batch, ClockSource, Tags } from '../reading/batch.ts';
import { OutputRows } from './output-rows.ts';
import type { SeriesMap } from './series-map.ts';
import { seriesTags } from './series-map.ts';

/** Of the longest silence, how much may pass between two looks at all series: silence is noticed this much late at most. */
const lookShare = 1 / 16;

/** A series that may hold readings back. */
export interface SilentSeries {
  /** Wall clock of the last reading, kept while it holds something; NaN: not known, as after a restart. */
  heardMicros: number;
}

/**
 * Tells by the wall clock which series have been silent for too long to go on holding readings back. Costs a comparison a batch; all
 * series are looked at together, when the first of them can be due.
 */
export class Silence {
  readonly #longestMicros: number;
  /** No series is due before. */
  #dueMicros = Number.POSITIVE_INFINITY;

  constructor(longestMs: number) {
    this.#longestMicros = longestMs * 1000;
  }

  /** A series holds something since `now`. A clock that was set back counts from where it stands. */
  heard(series: SilentSeries, now: number): void {
    series.heardMicros = now;
    this.#dueMicros = Math.min(this.#dueMicros, now + this.#longestMicros);
  }

  /** Series came from saved state: their silence is counted from the next look on. */
  restored(): void {
    this.#dueMicros = 0;
  }

  get deadline(): Micros | null {
    return Number.isFinite(this.#dueMicros) ? micros(Math.ceil(this.#dueMicros)) : null;
  }

  /** Hands each series that is due to `release`. `holds` tells whether it has anything to give. */
  look<Series extends SilentSeries>(
    all: SeriesMap<Series>,
    now: number,
    on: {
      readonly holds: (series: Series) => boolean;
      readonly release: (series: Series, tags: Tags) => void;
      /** No more now: the rest is looked at next time. */
      readonly isFull?: () => boolean;
    },
  ): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (const [key, series] of all.entries()) {
      if (!on.holds(series)) continue;
      if (on.isFull?.() === true) {
        this.#dueMicros = now;
        return;
      }
      if (!(series.heardMicros <= now)) series.heardMicros = now;
      if (now - series.heardMicros >= this.#longestMicros) {
        on.release(series, seriesTags(key));
        all.mark(key);
      } else earliest = Math.min(earliest, series.heardMicros);
    }
    this.#dueMicros = Math.max(earliest + this.#longestMicros, now + this.#longestMicros * lookShare);
    if (earliest === Number.POSITIVE_INFINITY) this.#dueMicros = earliest;
  }
}

/** Readings given out without a batch that brings them. */
export class LooseRows {
  readonly rows: OutputRows;
  readonly #series: Tags[] = [];

  constructor(options: { readonly stream: string; readonly clock: ClockSource }) {
    const empty: Batch = new BatchBuilder(options).finish();
    this.rows = new OutputRows({ ...empty, series: this.#series });
  }

  /** The place of a series in the batch to be. */
  place(tags: Tags): number {
    return this.#series.push(tags) - 1;
  }
}
