/** A page of rolled-up windows of one stream, in order of time: plain data, so that it crosses threads and becomes JSON. */
export interface WindowsJson {
  readonly stream: string;
  readonly windows: readonly WindowJson[];
  /** Where the page after begins; null: there is none. */
  readonly next: { readonly start: number; readonly series: number } | null;
}

export interface WindowJson {
  /** Begin and length, microseconds. */
  readonly start_micros: number;
  readonly length_micros: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly readings: number;
  readonly bad: number;
  readonly fields: Readonly<Record<string, FieldWindowJson>>;
}

/** Counts of an exponential histogram: bucket i of scale s holds magnitudes in (b^i, b^(i+1)], b = 2^(2^-s). */
export interface FieldWindowJson {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly zeros: number;
  readonly positive: { readonly offset: number; readonly counts: readonly number[] };
  readonly negative: { readonly offset: number; readonly counts: readonly number[] };
}

/** Levels by name, as `every` takes them. */
export const windowLevels = ['minute', 'hour', 'day'] as const;
export type WindowLevel = (typeof windowLevels)[number];
