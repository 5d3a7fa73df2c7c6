import { describe, expect, test } from 'vitest';
import type { CaseResult, ExpectedReading } from '#agent/pipeline/cases.ts';
import { runCase, sameValue } from '#agent/pipeline/cases.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Plain } from './pipeline-fixture.ts';
import { batchOf, pipelineOf } from './pipeline-fixture.ts';

type Input = Plain | 'garbage';

function resultOf(options: {
  stages?: StageConfig[];
  input: Input[];
  expect?: ExpectedReading[];
  expect_filtered?: number;
}): CaseResult {
  const { stages = [], ...testCase } = options;
  return runCase<Input>(
    { name: 'a case', stream: 'line', ...testCase },
    {
      decode: (input) =>
        input === 'garbage' ? { ok: false, reason: 'not JSON' } : { ok: true, batch: batchOf([input]) },
      pipeline: pipelineOf(...stages),
      nowMicros: 0,
    },
  );
}

const hot = { at: 0.001, values: { temp: 0.1 + 0.2, name: 'x' }, tags: { m: 'a' } };

describe('a case', () => {
  test('passes when what is named agrees; the rest may be anything', () => {
    const result = resultOf({
      stages: [{ keep: 'reading.temp > 0' }],
      input: [hot, { at: 1, values: { temp: -1 } }],
      expect: [
        {
          values: { temp: 0.3, gone: null },
          tags: { m: 'a' },
          time: '1970-01-01T00:00:00.001Z',
          quality: 'good',
        },
      ],
      expect_filtered: 1,
    });

    expect(result).toMatchObject({ passed: true, differences: [] });
  });

  test('says what differs, one line each', () => {
    const result = resultOf({
      stages: [{ keep: 'reading.temp > 0' }],
      input: [
        hot,
        'garbage',
        { at: 1, values: { temp: 7 } },
        { at: 2, values: { rms: 1 } },
        { at: 3, values: { temp: 0 } },
      ],
      expect: [
        {
          values: { temp: 0.4, name: null },
          tags: { m: 'b' },
          time: '1970-01-01T00:00:00Z',
          quality: 'bad',
          stream: 'side',
        },
      ],
      expect_filtered: 1,
    });

    expect(result.differences).toEqual([
      'input 2 cannot be decoded: not JSON',
      'input 4: stage 0:keep has no answer: No such key: temp (column 9)',
      'reading 1, stream: expected "side", got "line"',
      'reading 1, quality: expected "bad", got "good"',
      'reading 1, time: expected "1970-01-01T00:00:00Z", got "1970-01-01T00:00:00.001Z"',
      'reading 1, tag m: expected "b", got "a"',
      'reading 1, temp: expected 0.4, got 0.30000000000000004',
      'reading 1, name: expected nothing, got "x"',
      'one reading too many: {"tags":{},"values":{"temp":7}}',
      'expected 1 readings filtered, 2 were (0:keep!error 1, 0:keep 1)',
    ]);
    expect(result.passed).toBe(false);
  });

  test('misses readings that did not come', () => {
    const result = resultOf({ stages: [{ keep: 'false' }], input: [hot], expect: [{ values: { temp: 1 } }] });

    expect(result.differences).toEqual(['reading 1 is missing: expected {"values":{"temp":1}}']);
  });

  test('prints a bounded number of differences', () => {
    const expectMany = Array.from({ length: 100 }, () => ({ values: { temp: 1 } }));

    expect(resultOf({ input: [], expect: expectMany }).differences).toHaveLength(20);
  });
});

test.each([
  [21.4, 21.400000000000002, true],
  [0, 1e-12, false],
  [1e20, 1.0000001e20, false],
  [3, 3n, true],
  [4, 3n, false],
  ['3', 3n, false],
  [true, 1, false],
  ['0aff', new Uint8Array([10, 255]), true],
  [null, null, true],
  [null, 0, false],
  [Number.NaN, Number.NaN, true],
])('expected %j and actual %s are the same: %s', (expected, actual, same) => {
  expect(sameValue(expected, actual)).toBe(same);
});
