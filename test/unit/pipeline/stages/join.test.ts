import { describe, expect, test } from 'vitest';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { JoinConfig } from '#agent/pipeline/stages/join.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf } from '../pipeline-fixture.ts';

const air = (at: number, temp: number, more: Partial<Plain> = {}): Plain => ({
  at,
  values: { temp },
  ...more,
});

/** Values that come out for `input` after the other stream has shown `other`. */
function joined(join: Partial<JoinConfig>, other: readonly Plain[], input: readonly Plain[]) {
  const pipeline = pipelineOf({ join: { with: 'air', fields: ['temp'], tolerance: 5000, ...join } });
  pipeline.observe('air', batchOf(other, 'air'));
  const output = pipeline.process(batchOf(input), now);
  return { out: output.outputs.flatMap(({ batch }) => plainOf(batch)), filtered: output.filtered };
}

describe('join', () => {
  const other = [air(10, 1), air(14, 2), air(12, 3)];
  const input = [9, 10, 12.5, 13.5, 18, 30].map((at): Plain => ({ at, values: { v: at } }));

  test.each([
    ['previous' as const, [undefined, 1, 3, 3, 2, undefined]],
    ['nearest' as const, [1, 1, 3, 2, 2, undefined]],
  ])('by the %s reading within the tolerance', (method, expected) => {
    expect(joined({ method }, other, input).out.map(({ values }) => values['temp'])).toEqual(expected);
  });

  test('goes on after a crash with what it had heard at the last commit, though no reading of its own came since', () => {
    const join: StageConfig = { join: { with: 'air', fields: ['temp'], tolerance: 5000 } };
    const pipeline = pipelineOf(join);
    const saved: SavedState[] = [];
    for (const heard of other) {
      pipeline.observe('air', batchOf([heard], 'air'));
      saved.push(pipeline.changes(1 << 20)!);
    }
    expect(pipeline.changes(1 << 20)).toBeNull();

    const restarted = pipelineOf(join);
    expect(restarted.resume(saved).empty).toEqual([]);
    const output = restarted.process(batchOf(input), now);

    expect(saved.map(({ kind }) => kind)).toEqual(['full', 'delta', 'delta']);
    expect(output.outputs.flatMap(({ batch }) => plainOf(batch)).map(({ values }) => values['temp'])).toEqual(
      [undefined, 1, 3, 3, 2, undefined],
    );
  });

  test('by equal tags, all of them or those named, or none', () => {
    const of = (join: Partial<JoinConfig>) =>
      joined(
        join,
        [air(10, 1, { tags: { plant: 'p', room: 'a' } })],
        [
          { at: 10, values: { v: 1 }, tags: { plant: 'p', room: 'a' } },
          { at: 10, values: { v: 2 }, tags: { plant: 'p', room: 'b' } },
          { at: 10, values: { v: 3 }, tags: { plant: 'q' } },
        ],
      ).out.map(({ values }) => values['temp']);

    expect(of({})).toEqual([1, undefined, undefined]);
    expect(of({ by: ['plant'] })).toEqual([1, 1, undefined]);
    expect(of({ by: [] })).toEqual([1, 1, 1]);
  });

  test('under other names, keeping what the reading has', () => {
    const mine: Plain = { at: 10, values: { temp: 99, v: 'x' } };

    expect(joined({ prefix: 'air_' }, other, [mine]).out[0]!.values).toEqual({
      temp: 99,
      v: 'x',
      air_temp: 1,
    });
    expect(joined({}, other, [mine]).out[0]!.values).toEqual({ temp: 1, v: 'x' });
  });

  test('with nothing of bad quality, and no better than the worse of both', () => {
    const shown = [air(10, 1, { quality: 1 }), air(11, 9, { quality: 2 })];

    expect(joined({}, shown, [{ at: 12, values: { v: 1 } }]).out).toMatchObject([
      { values: { temp: 1 }, quality: 1 },
    ]);
  });

  test('drops readings without a partner when one is required', () => {
    const { out, filtered } = joined({ required: true }, other, input);

    expect(out.map(({ at }) => at)).toEqual([10, 12.5, 13.5, 18]);
    expect(filtered).toEqual([{ rule: '0:join', count: 2 }]);
  });

  test('finds partners for what comes late among as many readings as it is told to keep', () => {
    const many = Array.from({ length: 20 }, (_, i) => air(i, i));
    const late = [3, 4, 19].map((at): Plain => ({ at, values: { v: 0 } }));

    expect(joined({ keep: 16, tolerance: 500 }, many, late).out.map(({ values }) => values['temp'])).toEqual([
      undefined,
      4,
      19,
    ]);
  });

  test('refuses to keep more of more series than fits, and says how many do', () => {
    const stage = (more: Partial<JoinConfig>): StageConfig => ({
      join: { with: 'air', fields: ['temp'], tolerance: 5000, ...more },
    });

    expect(() => pipelineOf(stage({ keep: 1024 }))).toThrow(
      'with 20000 series comes to 4889 MiB; with `max_series: 1047` it stays within 256',
    );
    expect(() => pipelineOf(stage({ keep: 1024, max_series: 1047 }))).not.toThrow();
  });

  test('keeps few readings of each series, and goes on after a restart with them', () => {
    const many = Array.from({ length: 20 }, (_, i) => air(i, i));
    const first = pipelineOf({ join: { with: 'air', fields: ['temp'], tolerance: 5000 } });
    first.observe('air', batchOf(many, 'air'));
    const second = pipelineOf({ join: { with: 'air', fields: ['temp'], tolerance: 5000 } });
    second.restore(first.snapshot());

    for (const pipeline of [first, second]) {
      const output = pipeline.process(batchOf([5, 12, 19].map((at) => ({ at, values: { v: 0 } }))), now);
      expect(plainOf(output.outputs[0]!.batch).map(({ values }) => values['temp'])).toEqual([
        undefined,
        12,
        19,
      ]);
    }
  });
});
