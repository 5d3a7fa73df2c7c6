import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import type { Pipeline } from '#agent/pipeline/pipeline.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import { batchOf, now, pipelineOf, plainOf } from '#test/unit/pipeline/pipeline-fixture.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { readings, runs } from '../stages/signal-arbitraries.ts';

const stages: fc.Arbitrary<StageConfig> = fc.constantFrom<StageConfig>(
  { window: { every: 4000, emit: ['count', 'sum', 'first', 'last', 'p50', 'distinct'], into: 'w' } },
  {
    window: {
      every: 9000,
      lateness: 2000,
      emit: ['sum', 'min', 'max', 'first', 'last'],
      into: 'w',
    },
  },
  { window: { every: 6000, slide: 2000, lateness: 5000, emit: ['sum', 'min', 'max'], into: 'w' } },
  { window: { session: 3000, by: [], lateness: 4000, emit: ['count', 'sum', 'p90'], into: 'w' } },
  { window: { session: 1500, out_of_order: 30_000, emit: ['count', 'p10', 'p50', 'p90'], into: 'w' } },
  { window: { every: 8000, by: 'm', idle: 3000, emit: ['count', 'sum'] } },
  { sketch: { every: 5000, lateness: 9000, kinds: ['quantiles', 'distinct'] } },
  { sketch: { every: 4000, slide: 2000, kinds: ['histogram', 'frequent'] } },
  { window: { every: 4000, max_series: 1, emit: ['sum'], into: 'w' } },
);
/** Stages that hold readings back. */
const holding: fc.Arbitrary<StageConfig> = fc.constantFrom<StageConfig>(
  { compress: { field: 'a', deviation: 1, max_hold: 3000 } },
  {
    compress: { field: 'a', deviation: 0.5, exception: { deviation: 1, max_interval: 9000 }, summary: true },
  },
  { compress: { field: 'a', deviation: 1, max_series: 1 } },
  { despike: { field: 'a', window: 5, sigmas: 1, mode: 'centred', max_hold: 3000 } },
  { despike: { field: 'a', window: 3, mode: 'centred', action: 'drop', max_gap: 6000 } },
  { savgol: { field: 'a', window: 5, order: 2, mode: 'centred' } },
  { savgol: { field: 'a', window: 3, order: 1, derivative: 1, mode: 'centred', max_gap: 6000 } },
  { savgol: { field: 'a', window: 9, order: 2, mode: 'centred', max_series: 1 } },
  { resample: { every: 2500, max_gap: 4000 } },
  { resample: { every: 2500, method: 'linear', max_gap: 7000 } },
  { vibration: { field: 'a', sample_rate: 1, block: 16, overlap: 0.75, max_gap: 60_000 } },
  { vibration: { field: 'a', sample_rate: 1, block: 16, max_gap: 60_000, into: 'w' } },
  { vibration: { field: 'a', sample_rate: 1, block: 16, overlap: 0.9, max_gap: 60_000, max_series: 1 } },
);

/** One commit: readings, or a tick after so many seconds. */
type Step = { readonly kind: 'batch'; readonly input: readonly Plain[] } | { readonly kind: 'tick' };
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: readings.map((input): Step => ({ kind: 'batch', input })) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'tick' }) },
  ),
  { minLength: 1, maxLength: 8 },
);

const room = 1 << 20;

/** A field that a later commit brings without one finite value. */
const notANumber: [StageConfig, Step[], Step[], number] = [
  { window: { every: 4000, emit: ['count'], into: 'w' } },
  [
    { kind: 'batch', input: [{ at: 16, values: {} }] },
    { kind: 'batch', input: [{ at: 16, values: { b: Number.NaN } }] },
  ],
  [],
  0,
];

/** Every step a second after the other. */
function act(pipeline: Pipeline, step: Step, at: number): Plain[] {
  const wall = micros(now + at * 1e6);
  const output = step.kind === 'batch' ? pipeline.process(batchOf(step.input), wall) : pipeline.tick(wall);
  return output.outputs.flatMap(({ batch }) => plainOf(batch));
}

test('restored from any prefix of commits, windows and what is held back go on as in one that saw just these', () => {
  fc.assert(
    fc.property(fc.oneof(stages, holding), steps, steps, fc.nat(8), (config, committed, rest, lost) => {
      const pipeline = pipelineOf(config);
      const saved: SavedState[] = [];
      for (const [at, step] of committed.entries()) {
        act(pipeline, step, at);
        const state = pipeline.changes(room);
        if (state?.kind === 'full') saved.length = 0;
        if (state !== null) saved.push(state);
      }
      // Processed, and never committed.
      for (const step of rest.slice(0, lost)) act(pipeline, step, committed.length);

      const twin = pipelineOf(config);
      for (const [at, step] of committed.entries()) act(twin, step, at);
      // Silence is counted from the start, so both begin to count now.
      const { snapshot } = { snapshot: twin.snapshot() };
      const fresh = pipelineOf(config);
      expect(fresh.restore(snapshot)).not.toBeNull();

      const restarted = pipelineOf(config);
      const { empty } = restarted.resume(saved);

      expect(empty).toEqual([]);
      for (const [at, step] of [...rest, { kind: 'tick' } as const].entries())
        expect(act(restarted, step, 100 + at)).toEqual(act(fresh, step, 100 + at));
      const end: Step = {
        kind: 'batch',
        input: [
          { at: 3000, values: { c: 1, a: 1 } },
          { at: 3000, values: { c: 1, a: 1 }, tags: { m: 'x' } },
        ],
      };
      expect(act(restarted, end, 200)).toEqual(act(fresh, end, 200));
    }),
    { numRuns: runs.numRuns * 2, examples: [notANumber] },
  );
});

test('a full state now and then keeps what is stored small, and is as good', () => {
  const window: StageConfig = { window: { every: 3_600_000, emit: ['sum', 'p50'], into: 'w' } };
  const pipeline = pipelineOf(window);
  const saved: SavedState[] = [];
  let stored = 0;
  for (let i = 0; i < 1500; i++) {
    const input = Array.from({ length: 100 }, (_, j) => ({ at: i, values: { a: i * 100 + j } }));
    pipeline.process(batchOf(input), now);
    const state = pipeline.changes(room)!;
    if (state.kind === 'full') saved.length = 0;
    saved.push(state);
    stored = Math.max(
      stored,
      saved.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  }
  const restarted = pipelineOf(window);
  restarted.resume(saved);

  const [, windows] = restarted.process(batchOf([{ at: 3700, values: { a: 0 } }]), now).outputs;

  expect(plainOf(windows!.batch)[0]!.values['a.sum']).toBe((150_000 * 149_999) / 2);
  expect(stored).toBeGreaterThan(1 << 19);
  expect(stored).toBeLessThan(1.2 * (1 << 20));
});

test('filters begin anew after a crash and go on after a clean stop', () => {
  const deadband: StageConfig = { deadband: { field: 'a', absolute: 10 } };
  const window: StageConfig = { window: { every: 10_000, emit: ['sum'], into: 'w' } };
  const passes = (pipeline: Pipeline): number =>
    pipeline.process(batchOf([{ at: 5, values: { a: 1 } }]), now).outputs.length;
  for (const config of [[deadband], [deadband, window]]) {
    const pipeline = pipelineOf(...config);
    const saved: SavedState[] = [];
    const keep = (state: SavedState | null): void => {
      if (state?.kind === 'full') saved.length = 0;
      if (state !== null) saved.push(state);
    };
    pipeline.process(batchOf([{ at: 0, values: { a: 0 } }]), now);
    keep(pipeline.changes(room));
    keep(pipeline.whole(room));
    const after = pipelineOf(...config);
    expect(after.resume(saved).empty).toEqual([]);
    expect(passes(after)).toBe(0);

    keep(after.changes(room));
    const crashed = pipelineOf(...config);
    expect(crashed.resume(saved).empty).toEqual(['0:deadband']);
    expect(passes(crashed)).toBe(1);
  }
});

test('a damaged delta leaves stages empty, and what was left out for want of room is named', () => {
  const window: StageConfig = { window: { every: 10_000, emit: ['sum'], into: 'w' } };
  const pipeline = pipelineOf(window);
  const saved: SavedState[] = [];
  for (let i = 0; i < 3; i++) {
    pipeline.process(batchOf([{ at: i, values: { a: 1 } }]), now);
    saved.push(pipeline.changes(room)!);
  }
  expect(saved.map(({ kind }) => kind)).toEqual(['full', 'delta', 'delta']);
  saved[1]!.bytes[9]! ^= 1;
  const restarted = pipelineOf(window);
  expect(restarted.resume(saved)).toMatchObject({ restored: [], empty: ['0:window'] });
  expect(restarted.inspect()[0]!.series).toBe(0);

  const cramped = pipelineOf(window);
  cramped.process(batchOf([{ at: 1, values: { a: 1 } }]), now);
  expect(cramped.changes(40)?.kind).toBe('full');
  expect(cramped.stateLeftOut).toEqual(['0:window']);
});
