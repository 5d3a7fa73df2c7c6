import { micros } from '#agent/base/units.ts';
import { parseExpression } from '#agent/pipeline/expression/environment.ts';
import { Predicate } from '#agent/pipeline/expression/predicate.ts';
import { compilePipeline } from '#agent/pipeline/plan.ts';
import type { Pipeline } from '#agent/pipeline/pipeline.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Batch, Tags } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { Prng } from '#agent/base/prng.ts';
import type { Bench, BenchResult } from './bench.ts';

const expression = 'reading.temp > -40.0 && reading.ok';
const stages: readonly StageConfig[] = [
  { keep: expression },
  { calibrate: { field: 'temp', scale: 0.1, offset: -2 } },
  { deadband: { field: 'temp', absolute: 0.2, max_interval: 600_000 } },
];
const now = micros(1_700_000_000_000_000);
const measureMs = 400;

/** Readings of 50 machines with a slow walk, one in ten not ok, in batches of the given size. */
function batchesOf(options: { readings: number; size: number }): Batch[] {
  const random = new Prng(7);
  const tags: Tags[] = Array.from({ length: 50 }, (_, i) => ({ machine: `m${i}`, plant: 'p1' }));
  const levels = tags.map(() => 200);
  const batches: Batch[] = [];
  for (let done = 0; done < options.readings; done += options.size) {
    const builder = new BatchBuilder({ stream: 'line', clock: 'device', capacity: options.size });
    for (let i = 0; i < options.size; i++) {
      const machine = random.below(tags.length);
      levels[machine]! += random.below(5) - 2;
      builder.begin({ tags: tags[machine]!, timeMicros: 1.7e15 + (done + i) * 1000 });
      builder.set('temp', levels[machine]!);
      builder.set('rms', random.float());
      builder.set('ok', random.chance(0.9));
    }
    batches.push(builder.finish());
  }
  return batches;
}

/** Runs of `pass` a second times `per`, after a warm-up. */
function rate(per: number, pass: () => void): number {
  for (const start = performance.now(); performance.now() - start < measureMs / 4;) pass();
  let passes = 0;
  const start = performance.now();
  let elapsed = 0;
  do {
    pass();
    passes++;
    elapsed = performance.now() - start;
  } while (elapsed < measureMs);
  return (passes * per * 1000) / elapsed;
}

function pipelineOf(configs: readonly StageConfig[]): Pipeline {
  const compiled = compilePipeline({ stream: 'line', stages: configs });
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  return compiled.pipeline;
}

/** The least any pipeline must do: the same decisions on bare arrays, nothing copied. */
function bareLoop(batches: readonly Batch[]): () => number {
  const last = new Float64Array(50).fill(Number.NaN);
  return () => {
    let kept = 0;
    for (const batch of batches) {
      const temp = batch.columns.find((column) => column.name === 'temp')!.values as Float64Array;
      const ok = batch.columns.find((column) => column.name === 'ok')!.values as Uint8Array;
      for (let i = 0; i < batch.length; i++) {
        if (!(temp[i]! > -40 && ok[i] === 1)) continue;
        const value = temp[i]! * 0.1 - 2;
        const series = batch.seriesIndex[i]!;
        if (Math.abs(value - last[series]!) <= 0.2) continue;
        last[series] = value;
        kept++;
      }
    }
    return kept;
  };
}

/** Readings a second: the design asks 60,000 of the whole path, so the stages may take a sixteenth of a core; a fifth when every batch is one reading. */
const budget = 1_000_000;
const budgetAlone = 300_000;
const readings = 20_000;

function threeStages(size: number): BenchResult {
  const batches = batchesOf({ readings, size });
  const pipeline = pipelineOf(stages);
  const bare = bareLoop(batches);
  return {
    name: `keep, calibrate, deadband in batches of ${size}`,
    figure: rate(readings, () => {
      for (const batch of batches) pipeline.process(batch, now);
    }),
    unit: 'readings/s',
    budget: size === 1 ? budgetAlone : budget,
    reference: rate(readings, () => void bare()),
    referenceName: 'the same decisions in a bare loop, nothing copied',
  };
}

function keepCompiled(): BenchResult {
  const batches = batchesOf({ readings, size: 500 });
  const parsed = parseExpression(expression);
  if (!parsed.ok) throw new Error(parsed.error);
  const compiled = new Predicate(parsed.value);
  const interpreted = new Predicate(parsed.value, { interpretOnly: true });
  const pass = (predicate: Predicate) => () => {
    for (const batch of batches) predicate.evaluate(batch);
  };
  return {
    name: `keep '${expression}'`,
    figure: rate(readings, pass(compiled)),
    unit: 'readings/s',
    budget,
    reference: rate(readings, pass(interpreted)),
    referenceName: 'the CEL library reading by reading',
  };
}

/**
 * Nanoseconds of processor time a reading, which other programs on the machine lengthen less than the clock's, though they share its
 * caches: the best of many short runs.
 */
function cpuNanos(per: number, pass: () => void): number {
  // What happens once a window takes that long to be compiled as well.
  for (const start = performance.now(); performance.now() - start < 2 * measureMs;) pass();
  let least = Infinity;
  const start = performance.now();
  do {
    const before = process.cpuUsage();
    // Three passes are a minute of event time: each run has its part of the windows that end.
    for (let i = 0; i < 3; i++) pass();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, ((user + system) * 1000) / (3 * per));
  } while (performance.now() - start < 2 * measureMs);
  return least;
}

/** One stage alone, in batches of 500 over 50 series, as nanoseconds a reading; each with what it may cost on a small board's core. */
const alone: readonly { readonly stage: StageConfig; readonly budgetNs: number }[] = [
  { stage: { despike: { field: 'temp', window: 7 } }, budgetNs: 300 },
  { stage: { compress: { field: 'temp', deviation: 1 } }, budgetNs: 500 },
  { stage: { ema: { field: 'temp', time_constant: 1000 } }, budgetNs: 200 },
  { stage: { median: { field: 'temp', window: 7 } }, budgetNs: 250 },
  { stage: { rate: { field: 'temp', kind: 'gauge' } }, budgetNs: 150 },
  { stage: { savgol: { field: 'temp', window: 11, order: 2 } }, budgetNs: 1500 },
  { stage: { savgol: { field: 'temp', window: 11, order: 2, mode: 'centred' } }, budgetNs: 2500 },
  { stage: { despike: { field: 'temp', window: 7, mode: 'centred' } }, budgetNs: 1000 },
  {
    stage: { kalman: { field: 'temp', model: 'velocity', process_noise: 1, measurement_noise: 1 } },
    budgetNs: 250,
  },
  { stage: { unit: { field: 'temp', from: 'Cel', to: '[degF]' } }, budgetNs: 100 },
  { stage: { dedup: {} }, budgetNs: 1000 },
  // Both sides: each reading is taken in as a partner and looks for one.
  { stage: { join: { with: 'other', fields: ['rms'], prefix: 'other.', tolerance: 1000 } }, budgetNs: 1500 },
  { stage: { alert: { when: 'reading.temp > 1000', for: 1000 } }, budgetNs: 150 },
  { stage: { resample: { every: 100 } }, budgetNs: 2000 },
  { stage: { window: { every: 10_000, fields: ['temp', 'rms'], into: 'w' } }, budgetNs: 300 },
  {
    stage: { window: { every: 10_000, slide: 1000, fields: ['temp'], emit: ['mean', 'max'], into: 'w' } },
    budgetNs: 800,
  },
  { stage: { sketch: { every: 60_000, fields: ['temp', 'rms'] } }, budgetNs: 300 },
  { stage: { vibration: { field: 'rms', sample_rate: 20, block: 1024 } }, budgetNs: 400 },
];

function nameOf(stage: StageConfig): string {
  const [kind, options] = Object.entries(stage)[0] as [string, { readonly mode?: string; slide?: number }];
  const variant = options.mode ?? (options.slide === undefined ? null : 'sliding');
  return variant === null ? kind : `${kind}, ${variant}`;
}

function stageAlone({ stage, budgetNs }: (typeof alone)[number]): BenchResult {
  // Time goes on from pass to pass, as it does in life: else every reading would be late in the second.
  const batches = batchesOf({ readings, size: 500 });
  const pipeline = pipelineOf([stage]);
  const bare = bareLoop(batches);
  let shift = 0;
  const figure = cpuNanos(readings, () => {
    for (const batch of batches) {
      const moved = { ...batch, timeMicros: later(batch.timeMicros, shift) };
      if (pipeline.listensTo.has('other')) pipeline.observe('other', moved);
      pipeline.process(moved, now);
    }
    shift += readings * 1000;
  });
  return {
    name: `stage ${nameOf(stage)}`,
    figure,
    unit: 'CPU ns/reading',
    budget: budgetNs,
    lowerIsBetter: true,
    reference: cpuNanos(readings, () => void bare()),
    referenceName: 'three decisions in a bare loop',
  };
}

/** In a loop: a callback a reading would cost a tenth of the stages that are measured. */
function later(times: Float64Array, byMicros: number): Float64Array {
  const moved = new Float64Array(times.length);
  for (let i = 0; i < times.length; i++) moved[i] = times[i]! + byMicros;
  return moved;
}

export const benches: readonly Bench[] = [
  { name: 'pipeline', run: () => [keepCompiled(), threeStages(1000), threeStages(100), threeStages(1)] },
  { name: 'stages', run: () => alone.map(stageAlone) },
];
