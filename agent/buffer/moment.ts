/** Both clocks at the moment of a call. */
export interface Moment {
  readonly wallMicros: number;
  /** Of the boot, as other processes of it count too. */
  readonly monotonicMillis: number;
  /**
   * Set while nobody has set the host's clock: `wallMicros` is this plus the monotonic microseconds. Null: the wall clock is trusted. Absent:
   * nobody said yet.
   */
  readonly clockBase?: number | null;
}
