import { describe, expect, test } from 'vitest';
import { micros, millis } from '#agent/base/units.ts';
import type { StreamBacklog } from '#agent/ports/store.ts';
import { DrainPlan } from '#agent/uplink/drain-plan.ts';

const now = millis(0);

function row(stream: string, head: number, more: Partial<StreamBacklog> = {}): StreamBacklog {
  const rest = { bytes: 0, oldestMicros: null, budgetBytes: 0, budgetDay: 0 };
  return { stream, head, priority: 5, base: 0, settled: [], ...rest, ...more };
}

const span = (range: { first: number; until: number } | undefined): unknown =>
  range === undefined ? undefined : [range.first, range.until];

describe('DrainPlan', () => {
  test('what was settled since the store was asked is no longer said to wait', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 50 });
    plan.step({ kind: 'backlog', streams: [row('s', 100, { bytes: 3_500, oldestMicros: micros(7) })] }, now);
    const [first, second] = plan.step({ kind: 'ask', slots: 2 }, now);

    plan.step({ kind: 'settled', id: first!.id }, now);
    const half = plan.inspect()[0];
    plan.step({ kind: 'settled', id: second!.id }, now);
    const none = plan.inspect()[0];

    expect(half).toMatchObject({ waiting: 50, bytes: 1_750, oldestMicros: 7 });
    expect(none).toMatchObject({ waiting: 0, bytes: 0, oldestMicros: null });
  });

  test('batches end at multiples of the batch size, so that a restart repeats the same keys', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 100 });
    plan.step({ kind: 'backlog', streams: [row('s', 350, { base: 42 })] }, now);

    const ranges = plan.step({ kind: 'ask', slots: 3 }, now);

    expect(ranges.map(span)).toEqual([
      [42, 100],
      [100, 200],
      [200, 300],
    ]);
  });

  test('live first: what came since the link is up goes before the backlog, which goes oldest first', () => {
    const plan = new DrainPlan({ order: 'live_first', batchReadings: 100 });
    plan.step({ kind: 'backlog', streams: [row('s', 1_000)] }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 1_030)] }, now);

    const ranges = plan.step({ kind: 'ask', slots: 3 }, now);

    expect(ranges.map(span)).toEqual([
      [1_000, 1_030],
      [0, 100],
      [100, 200],
    ]);
  });

  test('after an outage live starts at the head of that moment', () => {
    const plan = new DrainPlan({ order: 'live_first', batchReadings: 100 });
    plan.step({ kind: 'backlog', streams: [row('s', 0)] }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 5_000)] }, now);
    plan.step({ kind: 'up' }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 5_010)] }, now);

    const [first, second] = plan.step({ kind: 'ask', slots: 2 }, now);

    expect(span(first)).toEqual([5_000, 5_010]);
    expect(span(second)).toEqual([0, 100]);
  });

  test('one batch in sixteen is backlog even when live data never ends', () => {
    const plan = new DrainPlan({ order: 'live_first', batchReadings: 10 });
    plan.step({ kind: 'backlog', streams: [row('s', 1_000)] }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 2_000)] }, now);

    const ranges = plan.step({ kind: 'ask', slots: 48 }, now);

    expect(ranges.filter((range) => range.first < 1_000)).toHaveLength(3);
  });

  test('a stream one priority higher gets twice the share, and the lower one is not starved', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 10 });
    const streams = [row('low', 10_000, { priority: 4 }), row('high', 10_000, { priority: 5 })];
    plan.step({ kind: 'backlog', streams }, now);
    const sent = { low: 0, high: 0 };

    for (let i = 0; i < 300; i++) {
      const [range] = plan.step({ kind: 'ask', slots: 1 }, now);
      sent[range!.stream as 'low' | 'high']++;
      plan.step({ kind: 'settled', id: range!.id }, now);
    }

    expect(sent.high).toBeGreaterThanOrEqual(199);
    expect(sent.low).toBeGreaterThanOrEqual(99);
  });

  test('of two streams that begin to wait together the higher priority goes first', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 10 });
    const streams = [row('telemetry', 10, { priority: 3 }), row('alarm', 10, { priority: 9 })];
    plan.step({ kind: 'backlog', streams }, now);

    expect(plan.step({ kind: 'ask', slots: 1 }, now)[0]?.stream).toBe('alarm');
  });

  test('a short batch at the head waits for the one under way and grows meanwhile', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 100 });
    plan.step({ kind: 'backlog', streams: [row('s', 3)] }, now);
    const [first] = plan.step({ kind: 'ask', slots: 4 }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 9)] }, now);
    const meanwhile = plan.step({ kind: 'ask', slots: 4 }, now);
    plan.step({ kind: 'settled', id: first!.id }, now);
    const [second] = plan.step({ kind: 'ask', slots: 4 }, now);

    expect(meanwhile).toEqual([]);
    expect(span(second)).toEqual([3, 9]);
  });

  test('a batch sent again keeps its range though the stream has grown', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 100 });
    plan.step({ kind: 'backlog', streams: [row('s', 30)] }, now);
    const [range] = plan.step({ kind: 'ask', slots: 1 }, now);
    plan.step({ kind: 'narrowed', id: range!.id, first: 0, until: 30 }, now);
    plan.step({ kind: 'later', id: range!.id, notBefore: millis(50), failed: true }, now);
    plan.step({ kind: 'backlog', streams: [row('s', 300)] }, now);

    expect(plan.nextDeadline()).toBe(50);
    const [again] = plan.step({ kind: 'ask', slots: 1 }, millis(50));
    expect(again).toMatchObject({ id: range!.id, first: 0, until: 30, attempts: 1, pinned: true });
  });

  test('after a split the stream goes on in smaller batches, and in larger ones when those went well', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 64 });
    plan.step({ kind: 'backlog', streams: [row('s', 10_000)] }, now);
    const sizes: number[] = [];
    for (let i = 0; i < 20; i++) {
      const [range] = plan.step({ kind: 'ask', slots: 1 }, now);
      sizes.push(range!.until - range!.first);
      if (i === 0) plan.step({ kind: 'split', id: range!.id, readings: 32 }, now);
      else plan.step({ kind: 'settled', id: range!.id }, now);
    }

    expect(sizes.slice(0, 17)).toEqual([64, ...Array.from({ length: 16 }, () => 32)]);
    expect(sizes.at(-1)).toBe(64);
  });

  test('a stream that is no longer named is forgotten when nothing of it is under way', () => {
    const plan = new DrainPlan({ order: 'oldest_first', batchReadings: 10 });
    plan.step({ kind: 'backlog', streams: [row('s', 10), row('t', 10)] }, now);
    plan.step({ kind: 'backlog', streams: [row('t', 10)] }, now);

    expect(plan.inspect().map((stream) => stream.stream)).toEqual(['t']);
  });
});
