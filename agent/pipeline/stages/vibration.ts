import type { ByteReader } from '../../base/byte-reader.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { BatchBuilder } from '../../reading/batch-builder.ts';
import type { Batch, Column, Quality } from '../../reading/batch.ts';
import { Quality as Grade, selectRows, valueAt } from '../../reading/batch.ts';
import { vibrationSamplesMax, vibrationSeriesDefault } from '../limits.ts';
import { SeriesMap } from '../series-map.ts';
import type { VibrationFigures } from '../signal/vibration-figures.ts';
import { VibrationAnalysis } from '../signal/vibration-figures.ts';
import type { Stage, StageNote, StageOutput, StageState } from '../stage.ts';
import { notesOf } from './field-filter.ts';
import {
  applyChangedSeries,
  loadSeries,
  saveChangedSeries,
  saveSeries,
  seriesState,
} from './series-state.ts';

export interface VibrationConfig {
  /** Samples: a number a reading, or a JSON array of numbers (text), the reading's time being that of the first. */
  readonly field: string;
  /** Samples a second, Hz > 0. */
  readonly sample_rate: number;
  /** Samples of a block, a power of two from 16 to 16,384; default 1024. */
  readonly block?: number | undefined;
  /** Share of a block that the next one repeats, 0 … 0.9; default 0. */
  readonly overlap?: number | undefined;
  /** [low, high] in Hz, at most 32. */
  readonly bands?: readonly (readonly [number, number])[] | undefined;
  /** Longest time between samples that still belong together, ms; default ten sample periods, at least 1 ms. */
  readonly max_gap?: number | undefined;
  /** Stream of the figures; default: they stay in this one. */
  readonly into?: string | undefined;
  /**
   * Whether the block that is not full outlives a crash: each sample is then written once more, 8 bytes, in the transaction of its message.
   * Default true; false spares flash where samples come by the ten thousand a second.
   */
  readonly durable?: boolean | undefined;
  readonly max_series?: number | undefined;
}

interface Block {
  readonly samples: Float64Array;
  count: number;
  /** Of `count`, the first ones that the last save holds, as the last ones of its own; the others came since. */
  saved: number;
  /** Where the next sample is expected; NaN before the first. */
  nextMicros: number;
  quality: Quality;
}

const version = 2;

/**
 * Turns samples of a vibration into figures a block: mean, rms, peak, crest factor, kurtosis, strongest frequency and power in bands. Readings
 * with samples are used up (counted under the rule); each full block gives one reading at the time of its last sample. A bad sample, a
 * gap and a step back in time begin a new block. Readings without the field pass.
 */
export class VibrationStage implements Stage {
  readonly rule: string;
  readonly #config: VibrationConfig;
  readonly #size: number;
  readonly #step: number;
  readonly #periodMicros: number;
  readonly #toleranceMicros: number;
  readonly #analysis: VibrationAnalysis;
  readonly #names: { readonly bands: readonly string[] };
  readonly #blocks: SeriesMap<Block>;
  /** Absent unless `durable`. */
  readonly delta?: () => Uint8Array<ArrayBuffer> | null;

  constructor(rule: string, config: VibrationConfig) {
    const { block = 1024, overlap = 0, bands = [], sample_rate: sampleRate } = config;
    this.rule = rule;
    this.#config = config;
    this.#size = block;
    this.#step = Math.max(1, Math.round(block * (1 - overlap)));
    this.#periodMicros = 1e6 / sampleRate;
    this.#toleranceMicros =
      config.max_gap === undefined ? Math.max(1000, 10 * this.#periodMicros) : config.max_gap * 1000;
    this.#analysis = new VibrationAnalysis({
      size: block,
      sampleRate,
      bands: bands.map(([low, high]) => ({ low, high })),
    });
    this.#names = { bands: bands.map(([low, high]) => `${config.field}.band.${low}-${high}`) };
    const isDurable = config.durable !== false;
    this.#blocks = new SeriesMap(config.max_series ?? vibrationSeriesDefault, () => this.#emptyBlock(), {
      isDurable,
    });
    if (isDurable) this.delta = () => saveChangedSeries(this.#blocks, version, writeChange);
  }

  process(batch: Batch): StageOutput {
    const column = batch.columns.find(({ name }) => name === this.#config.field);
    if (column === undefined) return { main: batch };
    const before = this.#blocks.evicted;
    const stateOf = this.#blocks.over(batch);
    const figures = new BatchBuilder({ stream: this.#config.into ?? batch.stream, clock: batch.clock });
    const passed: number[] = [];
    let unreadable = 0;
    for (let row = 0; row < batch.length; row++) {
      if (column.present !== null && column.present[row] === 0) {
        passed.push(row);
        continue;
      }
      const samples = samplesOf(column, row);
      if (samples === null) unreadable++;
      else this.#take(stateOf(row), samples, { batch, row, figures });
    }
    const notes = notesOf(this.rule, 0, this.#blocks.evicted - before);
    return this.#output(batch, { passed, unreadable, figures: figures.finish(), notes });
  }

  #take(
    block: Block,
    samples: ArrayLike<number>,
    { batch, row, figures }: { batch: Batch; row: number; figures: BatchBuilder },
  ): void {
    const start = batch.timeMicros[row]!;
    const quality = batch.quality[row]! as Quality;
    if (quality === Grade.bad) {
      clear(block);
      block.nextMicros = Number.NaN;
      return;
    }
    if (!(Math.abs(start - block.nextMicros) <= this.#toleranceMicros)) clear(block);
    if (block.count === 0) block.quality = Grade.good;
    for (let i = 0; i < samples.length; i++) {
      block.samples[block.count++] = samples[i]!;
      if (quality > block.quality) block.quality = quality;
      if (block.count < this.#size) continue;
      const time = Math.round(start + i * this.#periodMicros);
      const tags = batch.series[batch.seriesIndex[row]!]!;
      figures.begin({ tags, timeMicros: time, quality: block.quality });
      this.#write(this.#analysis.figures(block.samples), figures);
      block.samples.copyWithin(0, this.#step);
      block.count = this.#size - this.#step;
      block.saved = Math.max(0, block.saved - this.#step);
    }
    block.nextMicros = start + samples.length * this.#periodMicros;
  }

  #write(figures: VibrationFigures, into: BatchBuilder): void {
    const { field } = this.#config;
    into.set(`${field}.mean`, figures.mean);
    into.set(`${field}.rms`, figures.rms);
    into.set(`${field}.peak`, figures.peak);
    into.set(`${field}.crest`, figures.crest);
    into.set(`${field}.kurtosis`, figures.kurtosis);
    into.set(`${field}.peak_hz`, figures.peakHz);
    for (const [i, name] of this.#names.bands.entries()) into.set(name, figures.powers[i]!);
  }

  #output(
    batch: Batch,
    parts: { passed: readonly number[]; unreadable: number; figures: Batch; notes: readonly StageNote[] },
  ): StageOutput {
    const { passed, unreadable, figures, notes } = parts;
    const main = passed.length === 0 ? null : selectRows(batch, Uint32Array.from(passed));
    const absorbed = batch.length - passed.length - unreadable;
    const filtered = [
      { rule: this.rule, count: absorbed },
      { rule: `${this.rule}!unreadable`, count: unreadable },
    ].filter(({ count }) => count > 0);
    const account = {
      ...(filtered.length === 0 ? {} : { filtered }),
      ...(notes.length === 0 ? {} : { notes }),
    };
    if (figures.length === 0) return { main, ...account };
    if (this.#config.into !== undefined)
      return { main, into: [{ stream: this.#config.into, batch: figures }], ...account };
    return { main: main === null ? figures : joined(main, figures), derived: figures.length, ...account };
  }

  #emptyBlock(): Block {
    return {
      samples: new Float64Array(this.#size),
      count: 0,
      saved: 0,
      nextMicros: Number.NaN,
      quality: Grade.good,
    };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#blocks, version, (writer, block) => {
      block.saved = 0;
      writeSamples(writer, block);
    });
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#blocks, bytes, version, (reader) =>
      this.#readSamples(reader, this.#emptyBlock()),
    );
  }

  apply(bytes: Uint8Array): boolean {
    return applyChangedSeries(this.#blocks, bytes, version, (reader, known) => {
      const block = known ?? this.#emptyBlock();
      const kept = reader.count(block.count, 'samples kept of a block');
      block.samples.copyWithin(0, block.count - kept, block.count);
      block.count = kept;
      return this.#readSamples(reader, block);
    });
  }

  /** Behind the samples the block has. */
  #readSamples(reader: ByteReader, block: Block): Block {
    block.nextMicros = reader.float64();
    const quality = reader.uint8();
    if (quality > 1) throw new MalformedBytes('quality of a block');
    block.quality = quality as Quality;
    const more = reader.count(this.#size - 1 - block.count, 'samples of a block');
    for (let i = 0; i < more; i++) block.samples[block.count++] = reader.float64();
    block.saved = block.count;
    return block;
  }

  inspect(): StageState {
    return seriesState(this.#blocks, 300 + 8 * this.#size);
  }
}

function clear(block: Block): void {
  block.count = 0;
  block.saved = 0;
}

/** What the reader of the last save needs to have the block too. */
function writeChange(writer: ByteWriter, block: Block): void {
  writer.varint(block.saved);
  writeSamples(writer, block);
}

/** Those that came since the last save, which this is one of. */
function writeSamples(writer: ByteWriter, block: Block): void {
  writer.float64(block.nextMicros);
  writer.uint8(block.quality);
  writer.varint(block.count - block.saved);
  for (let i = block.saved; i < block.count; i++) writer.float64(block.samples[i]!);
  block.saved = block.count;
}

/** Null when they are not finite numbers. */
function samplesOf(column: Column, row: number): ArrayLike<number> | null {
  const value = valueAt(column, row);
  if (typeof value === 'number' || typeof value === 'bigint')
    return Number.isFinite(Number(value)) ? [Number(value)] : null;
  if (typeof value !== 'string' || !value.startsWith('[')) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return null;
  }
  const isSamples =
    Array.isArray(parsed) &&
    parsed.length <= vibrationSamplesMax &&
    parsed.every((one) => Number.isFinite(one));
  return isSamples ? (parsed as number[]) : null;
}

/** The readings of both, one after the other. */
function joined(first: Batch, second: Batch): Batch {
  const builder = new BatchBuilder({
    stream: first.stream,
    clock: first.clock,
    capacity: first.length + second.length,
  });
  for (const batch of [first, second]) {
    for (let row = 0; row < batch.length; row++) {
      builder.begin({
        tags: batch.series[batch.seriesIndex[row]!]!,
        timeMicros: batch.timeMicros[row]!,
        timeNanos: batch.timeNanos?.[row] ?? 0,
        quality: batch.quality[row]! as Quality,
      });
      for (const column of batch.columns) {
        const value = valueAt(column, row);
        if (value !== undefined) builder.set(column.name, value);
      }
    }
  }
  return builder.finish();
}
