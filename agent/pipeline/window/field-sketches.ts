import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { Prng } from '../../base/prng.ts';
import { ExponentialHistogram } from '../../sketch/exponential-histogram.ts';
import type { Parsed } from '../../sketch/fault.ts';
import { FrequentItems } from '../../sketch/frequent-items.ts';
import { parseHistogram } from '../../sketch/histogram-bytes.ts';
import { HyperLogLog } from '../../sketch/hyperloglog.ts';
import { Kll } from '../../sketch/kll.ts';
import { Moments } from '../../sketch/moments.ts';
import { frequentItemCharsMax, frequentItemsLg } from '../limits.ts';

/** In the order in which they are saved: new ones go to the end. */
export const sketchKindNames = ['moments', 'quantiles', 'distinct', 'histogram', 'frequent'] as const;
export type SketchKindName = (typeof sketchKindNames)[number];

/** Those of a `sketch` stage that names none. */
export const sketchKindsDefault = ['moments', 'quantiles', 'distinct'] as const;

/** Which sketches an accumulator keeps beside its sums. */
export type SketchNeeds = Readonly<Record<SketchKindName, boolean>>;

export function needsOf(kinds: readonly SketchKindName[]): SketchNeeds {
  return {
    moments: kinds.includes('moments'),
    quantiles: kinds.includes('quantiles'),
    distinct: kinds.includes('distinct'),
    histogram: kinds.includes('histogram'),
    frequent: kinds.includes('frequent'),
  };
}

/** Whether texts have a part in any of them. */
export const takesTexts = ({ distinct, frequent }: SketchNeeds): boolean => distinct || frequent;

interface Kept {
  readonly moments: Moments | null;
  readonly quantiles: Kll | null;
  readonly distinct: HyperLogLog | null;
  readonly histogram: ExponentialHistogram | null;
  readonly frequent: FrequentItems | null;
}

/** The sketches of one field in one window. The same values in the same order make the same bytes, with a save between any two of them. */
export class FieldSketches {
  readonly moments: Moments | null;
  readonly quantiles: Kll | null;
  readonly distinct: HyperLogLog | null;
  readonly histogram: ExponentialHistogram | null;
  readonly frequent: FrequentItems | null;

  /** `seed` of what chance decides. */
  constructor(needs: SketchNeeds, seed: number, kept: Kept | null = null) {
    this.moments = kept?.moments ?? (needs.moments ? new Moments() : null);
    this.quantiles = kept?.quantiles ?? (needs.quantiles ? new Kll(new Prng(seed)) : null);
    this.distinct = kept?.distinct ?? (needs.distinct ? new HyperLogLog() : null);
    this.histogram = kept?.histogram ?? (needs.histogram ? new ExponentialHistogram() : null);
    this.frequent =
      kept?.frequent ?? (needs.frequent ? new FrequentItems({ lgMapSize: frequentItemsLg }) : null);
  }

  update(value: number): void {
    this.moments?.update(value);
    this.quantiles?.update(value);
    this.distinct?.updateNumber(value);
    this.histogram?.update(value);
    this.frequent?.update(String(value));
  }

  /** As single updates would, one sketch after the other. */
  updateRun(values: Float64Array, count: number): void {
    const { quantiles, histogram, frequent } = this;
    this.moments?.updateAll(values, 0, count);
    if (quantiles !== null) for (let i = 0; i < count; i++) quantiles.update(values[i]!);
    this.distinct?.updateNumbers(values, 0, count);
    if (histogram !== null) for (let i = 0; i < count; i++) histogram.update(values[i]!);
    if (frequent !== null) for (let i = 0; i < count; i++) frequent.update(String(values[i]!));
  }

  updateText(text: string): void {
    this.distinct?.updateText(text);
    // Longer texts are payloads; those that begin alike count as one.
    const isLong = text.length > frequentItemCharsMax;
    this.frequent?.update(isLong ? `${text.slice(0, frequentItemCharsMax)}…` : text);
  }

  /** Of the same needs. */
  merge(other: FieldSketches): void {
    this.moments?.merge(other.moments!);
    this.quantiles?.merge(other.quantiles!);
    this.distinct?.merge(other.distinct!);
    this.histogram?.merge(other.histogram!);
    this.frequent?.merge(other.frequent!);
  }

  save(writer: ByteWriter): void {
    for (const name of sketchKindNames) {
      const sketch = this[name];
      if (sketch !== null) writer.bytes(sketch.toBytes());
    }
  }

  /** What {@link save} wrote. @throws {MalformedBytes} */
  static load(reader: ByteReader, needs: SketchNeeds, seed: number): FieldSketches {
    return new FieldSketches(needs, seed, {
      moments: needs.moments ? parsed(Moments.parse(reader.bytes())) : null,
      quantiles: needs.quantiles ? parsed(Kll.parse(reader.bytes(), { chance: new Prng(seed) })) : null,
      distinct: needs.distinct ? parsed(HyperLogLog.parse(reader.bytes())) : null,
      histogram: needs.histogram ? parsed(parseHistogram(reader.bytes())).histogram : null,
      frequent: needs.frequent ? parsed(FrequentItems.parse(reader.bytes())) : null,
    });
  }
}

function parsed<T>(result: Parsed<T>): T {
  if (!result.ok) throw new MalformedBytes(result.error.message);
  return result.value;
}
