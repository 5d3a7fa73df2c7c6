import { describe, expect, it } from 'vitest';
import { Bug } from '#agent/base/assert.ts';
import { assertBatch, type Batch } from '#agent/reading/batch.ts';

const on = { kind: 'boolean', name: 'on', values: Uint8Array.of(1), present: null } as const;
const batch: Batch = {
  stream: 's',
  length: 1,
  timeMicros: Float64Array.of(1_700_000_000_000_000),
  timeNanos: Uint16Array.of(999),
  clock: 'device',
  quality: Uint8Array.of(2),
  series: [{}],
  seriesIndex: Uint32Array.of(0),
  columns: [on],
};

describe('assertBatch', () => {
  it('takes a batch at its bounds', () => {
    expect(() => assertBatch(batch)).not.toThrow();
  });

  it.each<[string, Partial<Batch>]>([
    ['nanoseconds beyond 999', { timeNanos: Uint16Array.of(1000) }],
    ['no time', { timeMicros: Float64Array.of(NaN) }],
    ['a fraction of a microsecond', { timeMicros: Float64Array.of(0.5) }],
    ['a time that a double does not hold exactly', { timeMicros: Float64Array.of(2 ** 53) }],
    ['an unknown quality', { quality: Uint8Array.of(3) }],
    ['a series there is none of', { seriesIndex: Uint32Array.of(1) }],
    ['two columns of one name', { columns: [on, on] }],
    ['a boolean that is neither', { columns: [{ ...on, values: Uint8Array.of(2) }] }],
    ['a presence that is neither', { columns: [{ ...on, present: Uint8Array.of(2) }] }],
  ])('refuses %s, which no reader of the store would take back', (_what, wrong) => {
    expect(() => assertBatch({ ...batch, ...wrong })).toThrow(Bug);
  });
});
