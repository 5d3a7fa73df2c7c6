import type { SketchKindName } from './field-sketches.ts';

/** What windows and sketches share; spans in milliseconds of event time. */
export interface WindowSpans {
  /** Length of a window, > 0. Aligned to 1970, in UTC. One of `every` and `session` is needed. */
  readonly every?: number | undefined;
  /** A window begins every so often; divides `every`. Default: `every`. */
  readonly slide?: number | undefined;
  /** A window ends when its series has been silent this long, > 0. */
  readonly session?: number | undefined;
  /** Tags that windows are kept apart by. Default: all the tags of a series. */
  readonly by?: string | readonly string[] | undefined;
  /** Names or globs as in select. Default: every field that holds numbers. */
  readonly fields?: readonly string[] | undefined;
  /** How far readings of a series may be out of order before a window is given out. Default 1 s. */
  readonly out_of_order?: number | undefined;
  /** How long a window that was given out is still corrected. Default 0. */
  readonly lateness?: number | undefined;
  /** Wall clock without a reading after which event time is taken to run on by itself. Default 1 min. */
  readonly idle?: number | undefined;
  /** Stream for copies of readings that came too late for every window. Default: none. */
  readonly late_into?: string | undefined;
  readonly max_series?: number | undefined;
}

export interface WindowConfig extends WindowSpans {
  /** `count`, `sum`, `mean`, `min`, `max`, `first`, `last`, `stddev`, `range`, `distinct`, `p50`, `p99.9` … */
  readonly emit?: readonly string[] | undefined;
  /** Stream of the results; readings then pass on. Default: results take the place of the readings. */
  readonly into?: string | undefined;
}

export interface SketchConfig extends WindowSpans {
  readonly kinds?: readonly SketchKindName[] | undefined;
  /** Default: the stream's name with `_sketch`. */
  readonly into?: string | undefined;
}

/** The spans as the machines want them: microseconds, defaults filled in. */
export interface WindowPlan {
  /** 0 for sessions. */
  readonly everyMicros: number;
  /** Width of a slice; > 0. For sessions the gap. */
  readonly slideMicros: number;
  readonly isSession: boolean;
  readonly outOfOrderMicros: number;
  readonly latenessMicros: number;
  readonly idleMicros: number;
  /** Null: all tags. */
  readonly by: readonly string[] | null;
}

const idleDefault = 60_000;
const outOfOrderDefault = 1000;

export function windowPlan(spans: WindowSpans): WindowPlan {
  const { every = 0, session, slide = every, out_of_order, lateness, idle, by } = spans;
  return {
    everyMicros: session === undefined ? every * 1000 : 0,
    slideMicros: (session ?? slide) * 1000,
    isSession: session !== undefined,
    outOfOrderMicros: (out_of_order ?? outOfOrderDefault) * 1000,
    latenessMicros: (lateness ?? 0) * 1000,
    idleMicros: (idle ?? idleDefault) * 1000,
    by: by === undefined ? null : typeof by === 'string' ? [by] : by,
  };
}
