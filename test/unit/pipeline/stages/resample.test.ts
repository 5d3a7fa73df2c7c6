import { describe, expect, test } from 'vitest';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, later, now, pipelineOf, plainOf, run } from '../pipeline-fixture.ts';

const points = (out: readonly Plain[]): unknown[] => out.map(({ at, values }) => [at, values['v']]);
const input: Plain[] = [
  { at: 0.5, values: { v: 10, s: 'on' } },
  { at: 1.5, values: { v: 20, s: 'off' } },
  { at: 4, values: { v: 45 } },
];

describe('resample', () => {
  test('holds the reading before each point of the grid, and takes one that falls on it', () => {
    const { out, filtered } = run([{ resample: { every: 1000 } }], input);

    expect(points(out)).toEqual([
      [1, 10],
      [2, 20],
      [3, 20],
      [4, 45],
    ]);
    expect(out[1]!.values['s']).toBe('off');
    expect(filtered).toEqual({});
  });

  test('draws lines between numbers, and is uncertain where an end is', () => {
    const uncertain = input.with(1, { ...input[1]!, quality: 1 });
    const { out } = run([{ resample: { every: 1000, method: 'linear' } }], uncertain);

    expect(points(out)).toEqual([
      [1, 15],
      [2, 25],
      [3, 35],
      [4, 45],
    ]);
    expect(out.map(({ quality }) => quality)).toEqual([1, 1, 1, 0]);
    expect(out[0]!.values['s']).toBe('on');
  });

  test('fills no gap longer than it may', () => {
    const far = [...input, { at: 9, values: { v: 0 } }];

    expect(points(run([{ resample: { every: 1000, max_gap: 3000 } }], far).out)).toEqual([
      [1, 10],
      [2, 20],
      [3, 20],
      [4, 45],
      [5, 45],
      [6, 45],
      [7, 45],
      [9, 0],
    ]);
    expect(
      points(run([{ resample: { every: 1000, max_gap: 3000, method: 'linear' } }], far).out).slice(3),
    ).toEqual([
      [4, 45],
      [9, 0],
    ]);
  });

  test('drops bad and late readings, each counted by name', () => {
    const { filtered } = run(
      [{ resample: { every: 10_000 } }],
      [
        { at: 11, values: { v: 1 } },
        { at: 12, values: { v: 1e9 }, quality: 2 },
        { at: 10, values: { v: 0 } },
      ],
    );

    expect(filtered).toEqual({ '0:resample!bad': 1, '0:resample!late': 1, '0:resample': 1 });
  });

  test('refuses a grid of which one gap would take more points than fit', () => {
    expect(() => pipelineOf({ resample: { every: 1, max_gap: 60_000 } })).toThrow('60000 points');
  });

  test('gives a series that falls silent its held values after max_gap of wall clock, and no point twice', () => {
    const pipeline = pipelineOf({ resample: { every: 1000, max_gap: 3000 } });
    const given = (readings: readonly Plain[]): unknown[] =>
      pipeline.process(batchOf(readings), now).outputs.flatMap(({ batch }) => points(plainOf(batch)));
    const first = given([{ at: 0.5, values: { v: 10 } }]);

    const early = pipeline.tick(later(2999));
    const silent = pipeline.tick(later(3000));
    const again = pipeline.tick(later(9000));
    const next = given([
      { at: 3, values: { v: 20 } },
      { at: 5.5, values: { v: 30 } },
    ]);

    expect(first).toEqual([]);
    expect(early.outputs).toEqual([]);
    expect(silent).toMatchObject({ derived: 3, filtered: [] });
    expect(points(plainOf(silent.outputs[0]!.batch))).toEqual([
      [1, 10],
      [2, 10],
      [3, 10],
    ]);
    expect(again.outputs).toEqual([]);
    expect(next).toEqual([
      [4, 20],
      [5, 20],
    ]);
  });

  test('waits for the end of a line however long the silence', () => {
    const pipeline = pipelineOf({ resample: { every: 1000, method: 'linear' } });
    pipeline.process(batchOf(input), now);

    expect(pipeline.nextDeadline()).toBeNull();
  });
});
