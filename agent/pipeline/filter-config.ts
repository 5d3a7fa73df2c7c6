import type { CentredConfig } from './stages/centred-stage.ts';
import type { FilterStageConfig } from './stages/filter-stage.ts';

/** Filters of one numeric field, as decoded from the config; spans in milliseconds. */

export interface EmaConfig extends FilterStageConfig {
  /** After this long a step shows 63.2 % of itself, > 0. */
  readonly time_constant: number;
}

export interface MedianConfig extends FilterStageConfig {
  /** Values, the present one the newest; 2 … 255, default 5. */
  readonly window?: number | undefined;
}

export interface RateConfig extends FilterStageConfig {
  /** Default `counter`: what falls has wrapped or was restarted. `gauge`: what falls has fallen. */
  readonly kind?: 'counter' | 'gauge' | undefined;
  /** Default `rate`. */
  readonly emit?: 'rate' | 'increase' | undefined;
  /** Unit of time of the rate, default 1,000: per second. */
  readonly per?: number | undefined;
  /** Counters that go on at 0 after 2^bits - 1. Absent: every fall is a restart. */
  readonly bits?: 8 | 16 | 24 | 32 | 48 | 64 | undefined;
}

export interface SavgolConfig extends FilterStageConfig, CentredConfig {
  /** `causal` (default): the present value is the newest of the window; `centred`: it is the middle one, and is given out late. */
  readonly mode?: 'causal' | 'centred' | undefined;
  /** Values fitted, 3 … 255, default 11; odd where centred. */
  readonly window?: number | undefined;
  /** Order of the polynomial, 0 … 5, below window; default 2. */
  readonly order?: number | undefined;
  /** 0 (default) smooths; 1 and 2 give the change per second (squared). */
  readonly derivative?: 0 | 1 | 2 | undefined;
}

export interface KalmanConfig extends FilterStageConfig {
  /** Default `level`. */
  readonly model?: 'level' | 'velocity' | undefined;
  /** Standard deviation of what a second adds to the level (unit) or, with `velocity`, to the speed (unit/s); > 0. */
  readonly process_noise: number;
  /** Standard deviation of a measurement in the field's unit, > 0. */
  readonly measurement_noise: number;
  /** Standard deviations from the prediction beyond which a measurement is not believed. Absent: all are. */
  readonly gate?: number | undefined;
  /** Field for the speed, units per second; with `velocity` only. */
  readonly velocity_as?: string | undefined;
}
