import type { EmaConfig, KalmanConfig, MedianConfig, RateConfig, SavgolConfig } from './filter-config.ts';
import type { AlertConfig } from './stages/alert.ts';
import type { CompressConfig } from './stages/compress.ts';
import type { DedupConfig } from './stages/dedup.ts';
import type { DespikeConfig } from './stages/despike.ts';
import type { JoinConfig } from './stages/join.ts';
import type { ResampleConfig } from './stages/resample.ts';
import type { UnitConfig } from './stages/unit.ts';
import type { VibrationConfig } from './stages/vibration.ts';
import type { SketchConfig, WindowConfig } from './window/window-config.ts';

/** One entry of a stream's `stages:` as decoded from the config: one key each, names as written there, spans in milliseconds. */
export type StageConfig =
  /** A CEL expression that must be true for a reading to stay. */
  | { readonly keep: string }
  | { readonly calibrate: CalibrateConfig }
  | { readonly select: SelectConfig }
  /** Old name to new name. */
  | { readonly rename: Readonly<Record<string, string>> }
  | { readonly deadband: DeadbandConfig }
  | { readonly throttle: ThrottleConfig }
  | { readonly despike: DespikeConfig }
  | { readonly ema: EmaConfig }
  | { readonly median: MedianConfig }
  | { readonly rate: RateConfig }
  | { readonly savgol: SavgolConfig }
  | { readonly kalman: KalmanConfig }
  | { readonly compress: CompressConfig }
  | { readonly dedup: DedupConfig }
  | { readonly alert: AlertConfig }
  | { readonly resample: ResampleConfig }
  | { readonly join: JoinConfig }
  | { readonly vibration: VibrationConfig }
  | { readonly unit: UnitConfig }
  | { readonly window: WindowConfig }
  | { readonly sketch: SketchConfig };

/** Either `value * scale + offset`, or a curve through `points`. */
export interface CalibrateConfig {
  readonly field: string;
  /** Default 1. */
  readonly scale?: number | undefined;
  /** Default 0; in the unit of the result. */
  readonly offset?: number | undefined;
  /** Pairs of raw and true value, raw ascending, at least two; linear between them. */
  readonly points?: readonly (readonly [number, number])[] | undefined;
  /** What happens to values beyond the outermost points: hold the end value (default), or go on along the end segment. */
  readonly outside?: 'clamp' | 'extrapolate' | undefined;
}

export interface SelectConfig {
  /** Names or globs (`*`, `?`); a leading `!` takes out again what earlier ones took in. The last match decides. */
  readonly fields: readonly string[];
}

/** At least one of `field` and `fields`, at least one of `absolute` and `percent`. */
export interface DeadbandConfig {
  readonly field?: string | undefined;
  /** Names or globs as in select; a reading passes when any of them does. */
  readonly fields?: readonly string[] | undefined;
  /** Half width of the band in the field's unit, >= 0. With `percent` too, the wider one counts. */
  readonly absolute?: number | undefined;
  /** Half width in percent of the last passed value, >= 0. */
  readonly percent?: number | undefined;
  /** Event time after which a value passes even if unchanged, > 0. Absent: never. */
  readonly max_interval?: number | undefined;
  /** Series remembered, default 100,000. */
  readonly max_series?: number | undefined;
}

/** At most `count` readings of a series in `every` of event time, counted from the first that passes. */
export interface ThrottleConfig {
  /** > 0. */
  readonly every: number;
  /** >= 1, default 1. */
  readonly count?: number | undefined;
  /** Series remembered, default 100,000. */
  readonly max_series?: number | undefined;
}
