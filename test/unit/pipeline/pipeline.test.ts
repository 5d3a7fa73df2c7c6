import { describe, expect, test } from 'vitest';
import type { LogFields, Telemetry } from '#agent/ports/telemetry.ts';
import { reportNotes } from '#agent/pipeline/events.ts';
import { micros } from '#agent/base/units.ts';
import { Pipeline } from '#agent/pipeline/pipeline.ts';
import { compilePipeline } from '#agent/pipeline/plan.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Stage } from '#agent/pipeline/stage.ts';
import { batchOf, now, pipelineOf, plainOf, run, seconds } from './pipeline-fixture.ts';

describe('a pipeline', () => {
  test('without stages passes the batch itself', () => {
    const batch = batchOf(seconds('v', [1]));

    expect(pipelineOf().process(batch, now)).toEqual({
      outputs: [{ stream: 'line', batch }],
      filtered: [],
      notes: [],
    });
  });

  test('runs stages in order and names each by place and kind', () => {
    const { out, filtered } = run(
      [
        { calibrate: { field: 'raw', scale: 0.5 } },
        { rename: { raw: 'v' } },
        { keep: 'reading.v > 1' },
        { deadband: { field: 'v', absolute: 1 } },
      ],
      seconds('raw', [1, 4, 5, 8]),
    );

    expect(out.map(({ values }) => values)).toEqual([{ v: 2 }, { v: 4 }]);
    expect(filtered).toEqual({ '2:keep': 1, '3:deadband': 1 });
  });

  test('says nothing of a batch that is filtered whole but in its account', () => {
    const output = pipelineOf({ keep: 'false' }, { throttle: { every: 1 } }).process(
      batchOf(seconds('v', [1, 2])),
      now,
    );

    expect(output).toEqual({ outputs: [], filtered: [{ rule: '0:keep', count: 2 }], notes: [] });
  });

  test('takes an empty batch', () => {
    expect(pipelineOf({ keep: 'true' }).process(batchOf([]), now).outputs).toEqual([]);
  });

  test('shows taps what enters and what leaves a stage, until they stop', () => {
    const pipeline = pipelineOf({ keep: 'reading.v > 1' }, { keep: 'reading.v > 2' });
    const seen: unknown[] = [];
    const stops = [-1, 0, 1].map((after) =>
      pipeline.tap(after, ({ batch, filtered }) =>
        seen.push([after, plainOf(batch).map(({ values }) => values['v']), filtered.length]),
      ),
    );

    pipeline.process(batchOf(seconds('v', [1, 2, 3])), now);
    for (const stop of stops) stop();
    pipeline.process(batchOf(seconds('v', [1, 2, 3])), now);

    expect(seen).toEqual([
      [-1, [1, 2, 3], 0],
      [0, [2, 3], 1],
      [1, [3], 1],
    ]);
    expect(pipeline.tapsFree).toBe(16);
  });

  test('offers stages with timers their deadline, and runs what they release through the later ones', () => {
    const held = batchOf(seconds('v', [1, 5]));
    const holding: Stage = {
      rule: '0:hold',
      needsEventTime: true,
      process: () => ({ main: null, filtered: [{ rule: '0:hold', count: 2 }] }),
      nextDeadline: () => micros(100),
      tick: ({ eventMicrosMax }) => ({
        main: held,
        into: [{ stream: `late by ${eventMicrosMax}`, batch: held }],
      }),
    };
    const keep = {
      rule: '1:keep',
      process: () => ({ main: null, filtered: [{ rule: '1:keep', count: 2 }] }),
    };
    const pipeline = new Pipeline({ stream: 'line', stages: [holding, keep], fingerprints: ['', ''] });
    pipeline.process(batchOf(seconds('v', [1, 2])), now);

    expect(pipeline.nextDeadline()).toBe(100);
    expect(pipeline.tick(micros(99))).toEqual({ outputs: [], filtered: [], notes: [] });
    expect(pipeline.tick(micros(100))).toEqual({
      outputs: [{ stream: 'late by 1000000', batch: held }],
      filtered: [{ rule: '1:keep', count: 2 }],
      notes: [],
    });
  });
});

describe('compilePipeline', () => {
  test('names the place of everything that is wrong', () => {
    const stages = [
      { keep: 'reading.v >' },
      { calibrate: { field: '', points: [[0, 1]], scale: 2 } },
      { calibrate: { field: 'v' } },
      {
        calibrate: {
          field: 'v',
          points: [
            [0, 1],
            [0, 2],
            [1, Number.NaN],
          ],
        },
      },
      { select: { fields: ['a', '!'] } },
      { rename: { a: 'a', b: '' } },
      { deadband: { absolute: -1, max_interval: 0, max_series: 0 } },
      { deadband: { field: 'v' } },
      { throttle: { every: 0, count: 1.5 } },
      { smooth: {} } as unknown as StageConfig,
    ] as StageConfig[];

    const compiled = compilePipeline({ stream: 'line', stages });

    expect(
      compiled.ok
        ? []
        : compiled.problems.map(
            ({ stage, path, message }) => `${stage} ${path}: ${message.replace(/keep, .*/, 'keep, …')}`,
          ),
    ).toMatchInlineSnapshot(`
      [
        "0 keep: the expression ends too soon (column 12)",
        "1 calibrate.field: a field name is needed",
        "1 calibrate.points: points do not go together with scale or offset",
        "1 calibrate.points: 1 points; 2 to 4096 are allowed",
        "2 calibrate: scale, offset or points is needed",
        "3 calibrate.points.1: raw values must ascend; 0 follows 0",
        "3 calibrate.points.2: a point is two finite numbers",
        "4 select.fields.1: the pattern is empty",
        "5 rename.a: the new name is the old one",
        "5 rename.b: the new name is empty",
        "6 deadband: field or fields is needed",
        "6 deadband.absolute: -1 is not a number >= 0",
        "6 deadband.max_interval: must be longer than 0",
        "6 deadband.max_series: 0 is not a whole number from 1 to 1000000",
        "7 deadband: absolute or percent is needed; absolute: 0 drops exact repetitions",
        "8 throttle.every: must be longer than 0",
        "8 throttle.count: 1.5 is not a whole number >= 1",
        "9 : there is no stage "smooth"; there are keep, …",
      ]
    `);
  });

  test('bounds the number of stages', () => {
    const compiled = compilePipeline({
      stream: 'line',
      stages: Array.from({ length: 65 }, () => ({ keep: 'true' })),
    });

    expect(compiled).toEqual({
      ok: false,
      problems: [{ stage: -1, path: '', message: '65 stages; at most 64 are allowed' }],
    });
  });
});

describe('saved state', () => {
  const deadband = { deadband: { fields: ['*'], absolute: 0.5 } };
  const throttle = { throttle: { every: 5000 } };

  test('lets a restarted pipeline go on as if it had never stopped', () => {
    const first = [
      {
        at: 0,
        values: { v: 1, s: 'on', b: true, i: 9007199254740993n, raw: new Uint8Array([1]) },
        tags: { m: 'é"' },
      },
    ];
    const second = [{ at: 1, values: { v: 1, s: 'on', b: true, i: 9007199254740993n }, tags: { m: 'é"' } }];
    const before = pipelineOf(deadband, throttle);
    before.process(batchOf(first), now);

    const after = pipelineOf(deadband, throttle);
    const answer = after.restore(before.snapshot());

    expect(answer).toEqual({ restored: ['0:deadband', '1:throttle'], empty: [] });
    expect(after.process(batchOf(second), now)).toEqual(before.process(batchOf(second), now));
    expect(after.snapshot()).toEqual(before.snapshot());
  });

  test('goes to the stage of the same config, wherever it stands now', () => {
    const before = pipelineOf(throttle);
    before.process(batchOf(seconds('v', [1])), now);

    const after = pipelineOf(deadband, throttle);

    expect(after.restore(before.snapshot())).toEqual({ restored: ['1:throttle'], empty: ['0:deadband'] });
    expect(after.process(batchOf([{ at: 1, values: { v: 1 } }]), now).filtered).toEqual([
      { rule: '1:throttle', count: 1 },
    ]);
  });

  test('is refused when a byte is wrong or missing', () => {
    const before = pipelineOf(deadband, throttle);
    before.process(batchOf(seconds('v', [1, 2, 3])), now);
    const bytes = before.snapshot();
    const after = pipelineOf(deadband, throttle);

    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice();
      flipped[i]! ^= 0x40;
      expect(after.restore(flipped)).toBeNull();
      expect(after.restore(bytes.subarray(0, i))).toBeNull();
    }
    expect(after.inspect().map(({ series }) => series)).toEqual([0, 0]);
  });

  test('a stage takes no bytes but its own', () => {
    const states = [deadband, throttle].flatMap((config) => {
      const pipeline = pipelineOf(config);
      pipeline.process(batchOf(seconds('v', [1, 'x', 3n, true])), now);
      return [pipeline.snapshot()];
    });
    for (const bytes of states) {
      for (let cut = 0; cut < bytes.length; cut++) {
        const stage = pipelineOf(deadband);
        expect(() => stage.restore(bytes.subarray(cut))).not.toThrow();
      }
    }
  });
});

test('notes become one log line and one counter each', () => {
  const calls: unknown[] = [];
  const telemetry: Telemetry = {
    log: (level, event, message, fields?: LogFields) => calls.push([level, event, message, fields]),
    count: (name, labels, by) => calls.push([name, labels, by]),
    gauge: () => undefined,
    observe: () => undefined,
  };

  reportNotes(telemetry, 'line', [
    { kind: 'series_evicted', rule: '1:deadband', count: 2 },
    { kind: 'expression_failed', rule: '0:keep', count: 3, sample: 'No such key: v' },
  ]);

  expect(calls).toEqual([
    ['pipeline_series_evicted', { stream: 'line', rule: '1:deadband' }, 2],
    [
      'warning',
      'pipeline.series_evicted',
      expect.stringContaining('forgot the 2 unheard for longest'),
      { stream: 'line', rule: '1:deadband', count: 2 },
    ],
    ['pipeline_expression_failures', { stream: 'line', rule: '0:keep' }, 3],
    [
      'warning',
      'pipeline.expression_failed',
      expect.stringContaining('No such key: v'),
      { stream: 'line', rule: '0:keep', count: 3, sample: 'No such key: v' },
    ],
  ]);
});
