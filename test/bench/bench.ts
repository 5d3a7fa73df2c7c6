/** One figure beside a reference measured in the same breath, so that a slow machine slows both. */
export interface BenchResult {
  readonly name: string;
  readonly figure: number;
  readonly unit: string;
  /** What the design promises, in `unit`; absent: for information. */
  readonly budget?: number;
  /** Absent where nothing compares. */
  readonly reference?: number;
  readonly referenceName?: string;
  readonly lowerIsBetter?: boolean;
  /** How the figure came about, where its name does not say it. */
  readonly note?: string;
  /** Stands in the table of the README. */
  readonly headline?: boolean;
}

/** What could not be measured here, and why. */
export interface BenchSkip {
  readonly name: string;
  readonly skipped: string;
}

export type BenchRow = BenchResult | BenchSkip;

export interface Bench {
  readonly name: string;
  /** Ended by force after so long; the rows it gave until then stand. @default 60 */
  readonly secondsMax?: number;
  /** Rows as they come, where one bench has several that take long. */
  run(): Iterable<BenchRow> | Promise<Iterable<BenchRow>> | AsyncIterable<BenchRow>;
}
