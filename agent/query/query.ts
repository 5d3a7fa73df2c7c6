import type { Micros } from '../base/units.ts';

/** What is asked of the values of a field, or of the readings themselves where `field` is null. */
export type Aggregate =
  | { readonly kind: 'count' | 'rate'; readonly label: string; readonly field: string | null }
  | {
      readonly kind: 'sum' | 'mean' | 'min' | 'max' | 'stddev' | 'distinct';
      readonly label: string;
      readonly field: string;
    }
  | { readonly kind: 'quantile'; readonly label: string; readonly field: string; readonly rank: number }
  | { readonly kind: 'top'; readonly label: string; readonly field: string; readonly items: number }
  | { readonly kind: 'histogram'; readonly label: string; readonly field: string; readonly parts: number };

/** Readings whose tag is (or is not) one of these; a reading without the tag is none of them. */
export interface Filter {
  readonly tag: string;
  readonly not: boolean;
  readonly values: readonly string[];
}

export type Key =
  | { readonly kind: 'stream'; readonly label: string }
  | { readonly kind: 'tag'; readonly label: string; readonly tag: string }
  /** Tumbling windows of event time, aligned to 1970. */
  | { readonly kind: 'window'; readonly label: string; readonly micros: number };

/** A query whose times are fixed: plain data, so that it crosses threads. */
export interface Query {
  readonly text: string;
  readonly aggregates: readonly Aggregate[];
  /** Globs of streams; `*` takes all but those that begin with `_`. */
  readonly streams: readonly string[];
  /** Where in the text each of them stands. */
  readonly streamsAt: readonly number[];
  readonly filters: readonly Filter[];
  readonly keys: readonly Key[];
  /** Event times `from <= t < until`; null: open. */
  readonly from: Micros | null;
  readonly until: Micros | null;
}
