import { describe, expect, test } from 'vitest';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf, run, seconds } from '../pipeline-fixture.ts';

const ats = (out: readonly Plain[]): number[] => out.map(({ at }) => at);

describe('dedup', () => {
  test('drops a reading that came before, whole, and keeps what differs in anything', () => {
    const one: Plain = { at: 1, values: { v: 1, s: 'on' }, tags: { m: 'a' } };
    const input: Plain[] = [
      one,
      one,
      { ...one, at: 2 },
      { ...one, tags: { m: 'b' } },
      { ...one, values: { v: 1, s: 'off' } },
      { ...one, values: { s: 'on', v: 1 } },
      { ...one, values: { v: 1 } },
      { ...one, values: { v: true, s: 'on' } },
    ];

    const { out, filtered } = run([{ dedup: {} }], input);

    expect(filtered).toEqual({ '0:dedup': 2 });
    expect(out).toHaveLength(6);
  });

  test('knows readings by a sequence number within their series, for a span of event time', () => {
    const reading = (at: number, seq: number, m = 'a'): Plain => ({
      at,
      values: { seq, v: at },
      tags: { m },
    });
    const input = [
      reading(0, 7),
      reading(5, 7),
      reading(6, 8),
      reading(6, 7, 'b'),
      reading(11, 7),
      { at: 12, values: { v: 1 } },
    ];

    const { out } = run([{ dedup: { by: ['seq'], within: 10_000 } }], input);

    expect(ats(out)).toEqual([0, 6, 6, 11, 12]);
  });

  test('forgets the oldest beyond its bound, and says so', () => {
    const pipeline = pipelineOf({ dedup: { by: ['v'], max_entries: 2 } });

    const output = pipeline.process(batchOf(seconds('v', [1, 2, 3, 1, 3])), now);

    expect(plainOf(output.outputs[0]!.batch).map(({ values }) => values['v'])).toEqual([1, 2, 3, 1]);
    expect(output.notes).toEqual([{ kind: 'entries_evicted', rule: '0:dedup', count: 2 }]);
    expect(pipeline.inspect()).toMatchObject([{ series: 2, seriesLimit: 2, evicted: 2 }]);
  });

  test('is not blinded by one reading from the far future', () => {
    const far = { at: 1e9, values: { v: 0 } };
    const input = [far, ...seconds('v', [5, 5]).map((one) => ({ ...one, at: 10 }))];

    expect(run([{ dedup: { by: ['v'], within: 60_000 } }], input).filtered).toEqual({ '0:dedup': 1 });
  });
});
