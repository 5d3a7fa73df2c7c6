import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import { sliceBatch } from '#agent/reading/batch.ts';
import { batchOf, now, pipelineOf, plainOf } from '#test/unit/pipeline/pipeline-fixture.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { readings, runs } from './signal-arbitraries.ts';

/** Stages whose readings are their own: what is bad stands aside, and nothing else changes. */
const filters: readonly StageConfig[] = [
  { despike: { field: 'a', window: 3, sigmas: 1 } },
  { despike: { field: 'a', window: 5, action: 'drop', floor: 1 } },
  { ema: { field: 'a', time_constant: 3000 } },
  { ema: { field: 'a', time_constant: 3000, as: 'b', max_gap: 5000 } },
  { median: { field: 'a', window: 4 } },
  { unit: { field: 'a', from: 'Cel', to: '[degF]' } },
  { rate: { field: 'a' } },
  { rate: { field: 'a', kind: 'gauge', as: 'slope' } },
  { savgol: { field: 'a', window: 5, order: 2 } },
  { savgol: { field: 'a', window: 4, order: 1, derivative: 1 } },
  { savgol: { field: 'a', window: 5, order: 2, mode: 'centred' } },
  { savgol: { field: 'a', window: 3, order: 1, derivative: 1, mode: 'centred', max_gap: 6000 } },
  { despike: { field: 'a', window: 5, sigmas: 1, mode: 'centred' } },
  { despike: { field: 'a', window: 3, mode: 'centred', action: 'drop', max_gap: 6000 } },
  { kalman: { field: 'a', process_noise: 0.1, measurement_noise: 1 } },
  {
    kalman: {
      field: 'a',
      model: 'velocity',
      process_noise: 1,
      measurement_noise: 1,
      velocity_as: 'v',
      gate: 3,
    },
  },
];
const reducers: readonly StageConfig[] = [
  { join: { with: 'other', fields: ['b'], tolerance: 1000 } },
  { resample: { every: 2500 } },
  { resample: { every: 2500, method: 'linear', max_gap: 7000 } },
  { vibration: { field: 'a', sample_rate: 1, block: 16, overlap: 0.75, max_gap: 60_000 } },
  { alert: { when: 'reading.a > 0', clear: 'reading.a < -1', for: 3000, silence: 20_000, publish: 'x/{m}' } },
  { window: { every: 4000, fields: ['a'], emit: ['sum', 'first', 'last', 'p50', 'distinct'], into: 'w' } },
  { window: { every: 6000, slide: 2000, by: [], lateness: 3000, emit: ['count', 'max'] } },
  { window: { session: 3000, lateness: 2000, late_into: 'late' } },
  { sketch: { every: 5000, kinds: ['quantiles', 'distinct'] } },
  { sketch: { every: 4000, kinds: ['histogram', 'frequent'] } },
  { dedup: {} },
  { dedup: { by: ['a'], within: 5000, max_entries: 5 } },
  { compress: { field: 'a', deviation: 1 } },
  {
    compress: {
      field: 'a',
      deviation: 0.5,
      exception: { deviation: 1, max_interval: 9000 },
      summary: true,
      max_interval: 20_000,
    },
  },
];
const filter = fc.constantFrom(...filters);
const stage = fc.constantFrom(...filters, ...reducers);
/** No two of a kind: what two stages send into one stream interleaves as batches do. */
const stages = fc.uniqueArray(stage, { minLength: 1, maxLength: 3 });

interface Passed {
  readonly out: { stream: string; reading: Plain }[];
  readonly commands: unknown[];
  /** Filtered less derived: what the stream lost on balance. */
  lost: number;
}

/**
 * Runs the input cut at `cuts`, with a restart from saved state after each cut when asked. `rebuilt`: each piece has columns of its own, of the
 * kinds its values need.
 */
function passed(
  configs: readonly StageConfig[],
  input: readonly Plain[],
  cuts: number[],
  restart: boolean,
  rebuilt = false,
): Passed {
  const all: Passed = { out: [], commands: [], lost: 0 };
  const batch = batchOf(input);
  const inside = cuts.map((cut) => Math.min(cut, input.length)).toSorted((a, b) => a - b);
  const edges = [0, ...inside, input.length];
  let pipeline = pipelineOf(...configs);
  for (const [i, from] of edges.slice(0, -1).entries()) {
    const to = edges[i + 1]!;
    const piece = rebuilt ? batchOf(input.slice(from, to)) : sliceBatch(batch, from, to);
    const output = pipeline.process(piece, now);
    let own = 0;
    for (const { stream, batch: one } of output.outputs) {
      if (stream === 'line') own += one.length;
      all.out.push(...plainOf(one).map((reading) => ({ stream, reading })));
    }
    const filtered = output.filtered.reduce((sum, { count }) => sum + count, 0);
    const derived = output.derived ?? 0;
    expect(own + filtered, 'the account balances').toBe(piece.length + derived);
    all.lost += filtered - derived;
    // Fields stand in the order of a batch's columns, which means nothing.
    for (const { payload, ...command } of output.commands ?? [])
      all.commands.push({ ...command, payload: JSON.parse(payload) as unknown });
    if (!restart) continue;
    const next = pipelineOf(...configs);
    const restored = next.restore(pipeline.snapshot());
    expect(restored?.empty).toEqual([]);
    expect(next.snapshot()).toEqual(pipeline.snapshot());
    pipeline = next;
  }
  return all;
}

const byStream = ({ out }: Passed): Record<string, Plain[]> => {
  const streams: Record<string, Plain[]> = {};
  for (const { stream, reading } of out) (streams[stream] ??= []).push(reading);
  return streams;
};

test('neither cuts nor restarts change what comes out, and every account balances', () => {
  fc.assert(
    fc.property(
      stages,
      readings,
      fc.array(fc.nat(30), { maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      (configs, input, cuts, restart, rebuilt) => {
        const whole = passed(configs, input, [], false);
        const cut = passed(configs, input, cuts, restart, rebuilt);
        expect(byStream(cut)).toEqual(byStream(whole));
        expect(cut.lost).toBe(whole.lost);
        expect(cut.commands).toEqual(whole.commands);
      },
    ),
    { numRuns: runs.numRuns * 3 },
  );
});

test('a value of bad quality changes nothing that comes after it', () => {
  fc.assert(
    fc.property(filter, readings, fc.nat(30), (config, input, at) => {
      const bad: Plain = {
        ...(input[at % Math.max(1, input.length)] ?? { at: 0 }),
        values: { a: 1e6, b: 0 },
        quality: 2,
      };
      const where = at % (input.length + 1);
      const without = passed([config], input, [], false);
      const withBad = passed([config], input.toSpliced(where, 0, bad), [], false);
      const good = (all: Passed): Plain[] =>
        all.out.map(({ reading }) => reading).filter((one) => one.quality !== 2);
      expect(good(withBad)).toEqual(good(without));
    }),
    runs,
  );
});

test('saved state that was damaged is refused, and never half taken', () => {
  fc.assert(
    fc.property(stage, readings, fc.nat(), fc.integer({ min: 1, max: 255 }), (config, input, at, flip) => {
      const pipeline = pipelineOf(config);
      pipeline.process(batchOf(input), now);
      const saved = pipeline.snapshot();
      saved[at % saved.length]! ^= flip;
      const fresh = pipelineOf(config);
      expect(fresh.restore(saved)).toBeNull();
      expect(fresh.inspect().every((one) => one.series === 0)).toBe(true);
    }),
    runs,
  );
});
