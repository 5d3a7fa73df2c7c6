import { describe, expect, test } from 'vitest';
import type { AlertConfig } from '#agent/pipeline/stages/alert.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf, seconds } from '../pipeline-fixture.ts';

/** What happened, as `at state`. */
function told(alert: Omit<AlertConfig, 'when'> & { when?: string }, input: readonly Plain[]): string[] {
  const output = pipelineOf({ alert: { when: 'reading.v > 3', ...alert } }).process(batchOf(input), now);
  return output.outputs
    .filter(({ stream }) => stream !== 'line')
    .flatMap(({ batch }) => plainOf(batch))
    .map(({ at, values }) => `${at} ${String(values['alarm.state'])}`);
}

describe('alert', () => {
  test('says when a condition begins to hold and when it ends, and lets readings pass', () => {
    const pipeline = pipelineOf({ alert: { when: 'reading.v > 3', name: 'too hot', severity: 'critical' } });
    const batch = batchOf(seconds('v', [1, 4, 5, 2]));

    const output = pipeline.process(batch, now);

    expect(output.outputs[0]).toEqual({ stream: 'line', batch });
    expect(output.outputs[1]!.stream).toBe('alarms');
    expect(plainOf(output.outputs[1]!.batch).map(({ at, values }) => ({ at, ...values }))).toEqual([
      {
        at: 1,
        v: 4,
        'alarm.name': 'too hot',
        'alarm.state': 'raised',
        'alarm.severity': 'critical',
        'alarm.since': '1970-01-01T00:00:01.000Z',
        'alarm.seconds': 0,
        'alarm.suppressed': 0,
      },
      {
        at: 3,
        v: 2,
        'alarm.name': 'too hot',
        'alarm.state': 'cleared',
        'alarm.severity': 'critical',
        'alarm.since': '1970-01-01T00:00:01.000Z',
        'alarm.seconds': 2,
        'alarm.suppressed': 0,
      },
    ]);
    expect(output.notes).toEqual([{ kind: 'alarms', rule: '0:alert', name: 'too hot', raised: 1, count: 2 }]);
  });

  test('waits until the condition has held for a while without a break', () => {
    expect(told({ for: 3000 }, seconds('v', [9, 9, 0, 9, 9, 9, 9, 9]))).toEqual(['6 raised']);
  });

  test('with a second threshold stays raised between the two', () => {
    expect(told({ clear: 'reading.v < 2' }, seconds('v', [4, 2.5, 4, 2.5, 1, 2.5, 4]))).toEqual([
      '0 raised',
      '4 cleared',
      '6 raised',
    ]);
  });

  test('keeps silent after an alarm, counts what it held back, and speaks up if it lasts', () => {
    const pipeline = pipelineOf({ alert: { when: 'reading.v > 3', silence: 6000 } });
    const output = pipeline.process(batchOf(seconds('v', [4, 0, 4, 0, 4, 4, 4, 0])), now);

    expect(
      plainOf(output.outputs[1]!.batch).map(({ at, values }) => [
        at,
        values['alarm.state'],
        values['alarm.suppressed'],
      ]),
    ).toEqual([
      [0, 'raised', 0],
      [1, 'cleared', 0],
      [6, 'raised', 2],
      [7, 'cleared', 0],
    ]);
  });

  test('judges each series by itself, and neither bad nor late nor unanswerable readings', () => {
    const input: Plain[] = [
      { at: 5, values: { v: 9 }, tags: { m: 'a' } },
      { at: 5, values: { v: 9 }, tags: { m: 'b' }, quality: 2 },
      { at: 4, values: { v: 0 }, tags: { m: 'a' } },
      { at: 6, values: { w: 0 }, tags: { m: 'a' } },
      { at: 7, values: { v: 9 }, tags: { m: 'b' } },
    ];

    expect(told({}, input)).toEqual(['5 raised', '7 raised']);
  });

  test('can watch quality itself', () => {
    const input: Plain[] = [{ at: 1, values: { v: 0 }, quality: 2 }];

    expect(told({ when: 'quality == "bad"' }, input)).toEqual(['1 raised']);
  });

  test('gives out a message at once, its topic filled in from tags', () => {
    const pipeline = pipelineOf({
      alert: { when: 'reading.v > 3', publish: 'plant/{plant}/{stream}/{none}/alarm' },
    });
    const input: Plain[] = [
      {
        at: 2,
        values: { v: 4, n: 9007199254740993n, raw: new Uint8Array(3), s: 'x'.repeat(300) },
        tags: { plant: 'a/+b' },
      },
    ];

    const [command] = pipeline.process(batchOf(input), now).commands!;

    expect(command).toMatchObject({ rule: '0:alert', topic: 'plant/a__b/line/_/alarm' });
    expect(JSON.parse(command!.payload)).toEqual({
      alarm: '0:alert',
      state: 'raised',
      severity: 'warning',
      since: '1970-01-01T00:00:02.000Z',
      seconds: 0,
      suppressed: 0,
      stream: 'line',
      time: '1970-01-01T00:00:02.000Z',
      tags: { plant: 'a/+b' },
      values: { v: 4, n: '9007199254740993', s: 'x'.repeat(256) },
    });
  });

  test.each<[AlertConfig, string]>([
    [{ when: 'reading.v >' }, 'alert.when'],
    [{ when: 'true', clear: '1' }, 'alert.clear'],
    [{ when: 'true', publish: 'a/#' }, 'holds no +, # or NUL'],
    [{ when: 'true', publish: '$SYS/x' }, 'belong to the broker'],
    [{ when: 'true', publish: 'a/{x' }, 'left alone'],
    [{ when: 'true', via: 'line' }, 'only with publish'],
  ])('refuses %j: %s', (alert, message) => {
    expect(() => pipelineOf({ alert })).toThrow(message);
  });
});
