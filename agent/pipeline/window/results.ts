import { BatchBuilder } from '../../reading/batch-builder.ts';
import type { Batch, ClockSource, Quality } from '../../reading/batch.ts';
import { base64Of } from '../../reading/base64.ts';
import { histogramBucketsDefault } from '../../sketch/limits.ts';
import type { SketchKind } from '../../sketch/fault.ts';
import { frequentItemsLg } from '../limits.ts';
import { sealEnvelope } from '../../sketch/envelope.ts';
import type { Accumulator } from './accumulator.ts';
import type { FieldSketches, SketchKindName } from './field-sketches.ts';
import type { Emit } from './emits.ts';
import type { ClosedWindow } from './windowing.ts';

/** What a window says of one field. */
export type FieldResults = (
  sums: Accumulator,
  field: string,
  window: ClosedWindow,
  set: (name: string, value: number | string) => void,
) => void;

/** Figures as `FIELD.NAME`. */
export function figures(emits: readonly Emit[]): FieldResults {
  const names = new Map<string, readonly string[]>();
  return (sums, field, _window, set) => {
    let own = names.get(field);
    if (own === undefined) {
      own = emits.map(({ name }) => `${field}.${name}`);
      names.set(field, own);
    }
    for (const [i, { of }] of emits.entries()) {
      const value = of(sums);
      // `value - value` is 0 for finite numbers only.
      if (value - value === 0) set(own[i]!, value);
    }
  };
}

/** The parameters every sketch of a stage has; who merges must share them. */
const parameters: Readonly<Record<SketchKindName, string>> = {
  moments: '',
  quantiles: 'k=200 precision=double',
  distinct: 'lgK=12 registerBits=8',
  histogram: `maxBuckets=${histogramBucketsDefault}`,
  frequent: `lgMapSize=${frequentItemsLg}`,
};

/** Sketches as `FIELD_KIND`: their bytes in an envelope, as base64. */
export function sealedSketches(kinds: readonly SketchKindName[], stream: string): FieldResults {
  return (sums, field, window, set) => {
    for (const kind of kinds) {
      const sketch = sums.sketches[kind];
      if (sketch === null || (sums.count === 0 && !ofTexts.has(kind))) continue;
      const sealed = sealEnvelope({
        kind: kind satisfies SketchKind,
        parameters: parameters[kind],
        n: sketch.n,
        firstMicros: window.start,
        lastMicros: window.end - 1,
        source: `${stream}/${field}`.slice(0, sourceLength),
        bytes: standardBytes(sums.sketches, kind, window),
      });
      set(`${field}_${kind}`, base64Of(sealed));
    }
  };
}

/** Kinds that a window without a number has as well. */
const ofTexts: ReadonlySet<SketchKindName> = new Set(['distinct', 'frequent']);

/** An exponential histogram is a data point of OTLP and says of which time and tags it is. */
function standardBytes(
  sketches: FieldSketches,
  kind: SketchKindName,
  { start, end, group }: ClosedWindow,
): Uint8Array {
  if (kind !== 'histogram') return sketches[kind]!.toBytes();
  return sketches.histogram!.toBytes({
    startNanos: nanosOf(start),
    timeNanos: nanosOf(end),
    attributes: group.tags,
  });
}

/** OTLP has no times before 1970: 0 is one that is not known. */
const nanosOf = (micros: number): bigint => (micros > 0 ? BigInt(micros) * 1000n : 0n);

/** UTF-16 units of an envelope's source: at most 768 of its 1024 bytes. */
const sourceLength = 256;

export interface ResultsOptions {
  readonly stream: string;
  readonly ofField: FieldResults;
  /** Sums of a whole window by number of the field. */
  readonly fieldsOf: (window: ClosedWindow) => readonly (Accumulator | undefined)[];
  /** Names by number. */
  readonly names: () => readonly string[];
  /** Adds `window.revision`. */
  readonly hasRevisions: boolean;
  /** Adds `window.seconds`: windows differ in length. */
  readonly hasLength: boolean;
}

/** Collects what windows give out into one batch. A window's reading stands at its start. */
export class Results {
  readonly #options: ResultsOptions;
  #builder: BatchBuilder | null = null;
  #clock: ClockSource = 'device';

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  set clock(clock: ClockSource) {
    this.#clock = clock;
  }

  readonly give = (window: ClosedWindow): void => {
    const { stream, ofField, fieldsOf, names, hasLength, hasRevisions } = this.#options;
    const fields = fieldsOf(window);
    if (fields.every((field) => field === undefined)) return;
    const builder = (this.#builder ??= new BatchBuilder({ stream, clock: this.#clock, capacity: 16 }));
    let quality: number = 0;
    for (const slice of window.slices) quality = Math.max(quality, slice.quality);
    builder.begin({ tags: window.group.tags, timeMicros: window.start, quality: quality as Quality });
    const set = (name: string, value: number | string): void => void builder.set(name, value);
    const all = names();
    for (const [i, sums] of fields.entries()) if (sums !== undefined) ofField(sums, all[i]!, window, set);
    if (hasLength) set('window.seconds', (window.end - window.start) / 1e6);
    if (hasRevisions) set('window.revision', window.revision);
    if (window.isPartial) builder.set('window.partial', true);
  };

  /** What was given since the last call, or null. */
  take(): Batch | null {
    const batch = this.#builder?.finish() ?? null;
    this.#builder = null;
    return batch;
  }
}
