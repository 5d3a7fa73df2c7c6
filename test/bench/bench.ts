/** One figure beside a reference measured in the same breath, so that a slow machine slows both. */
export interface BenchResult {
  readonly name: string;
  readonly figure: number;
  readonly unit: string;
  /** What the design promises, in `unit`; absent: for information. */
  readonly budget?: number;
  readonly reference: number;
  readonly referenceName: string;
  readonly lowerIsBetter?: boolean;
}

export interface Bench {
  readonly name: string;
  run(): BenchResult[] | Promise<BenchResult[]>;
}
