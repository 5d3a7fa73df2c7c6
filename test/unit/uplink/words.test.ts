import { expect, test } from 'vitest';
import { micros, millis } from '#agent/base/units.ts';
import type { UplinkStatus } from '#agent/uplink/uplink-status.ts';
import { describeUplink } from '#agent/uplink/words.ts';

function status(more: Partial<UplinkStatus>): UplinkStatus {
  return {
    name: 'cloud',
    kind: 'http',
    running: true,
    link: { state: 'up', downSince: null, retryAt: null, failuresInRow: 0, words: '' },
    now: millis(1_000_000),
    streams: [],
    waitingReadings: 0,
    waitingBytes: 0,
    oldestMicros: null,
    wallMicros: micros(0),
    batchesInFlight: 0,
    deliveredReadings: 0,
    refusedReadings: 0,
    sentBytes: 0,
    lastTakenAt: null,
    lastProgressAt: null,
    budget: { day: 0, spentBytes: 0, bytesPerDay: null, bytesPerSecond: null },
    budgetWaitMs: millis(0),
    ...more,
  };
}

test('an uplink that is down says for how long, why, when it tries again, what waits, and how long the buffer lasts', () => {
  const link = {
    state: 'down',
    downSince: millis(280_000),
    retryAt: millis(1_040_000),
    failuresInRow: 9,
  } as const;
  const outlook = 'full in about 9 days at this rate';

  expect(describeUplink(status({ link: { ...link, words: '' }, waitingReadings: 81_204 }), outlook)).toBe(
    'uplink cloud: down for 12 min, retry in 40 s, 81,204 readings wait, full in about 9 days at this rate',
  );
  expect(
    describeUplink(
      status({ link: { ...link, words: 'in.example: connection refused' }, waitingReadings: 1 }),
    ),
  ).toBe('uplink cloud: down for 12 min (in.example: connection refused), retry in 40 s, 1 reading waits');
});

test('an uplink at rest says so', () => {
  expect(describeUplink(status({}))).toBe('uplink cloud: up, nothing waits');
  expect(describeUplink(status({}), 'the buffer is full')).toBe('uplink cloud: up, nothing waits');
  expect(describeUplink(status({ running: false, waitingReadings: 5 }))).toBe(
    'uplink cloud: stopped, 5 readings wait',
  );
});

test('a spent budget is told with the time until it goes on', () => {
  const budget = { day: 1, spentBytes: 50 * 1024 ** 2, bytesPerDay: 50 * 1024 ** 2, bytesPerSecond: null };

  expect(
    describeUplink(status({ budget, budgetWaitMs: millis(3 * 3_600_000), waitingReadings: 1_000 })),
  ).toBe('uplink cloud: up, budget of the day spent (50 MiB of 50 MiB), goes on in 3 h, 1,000 readings wait');
});

test('what lies ahead is never 0 seconds away', () => {
  const link = {
    state: 'down',
    downSince: millis(999_000),
    retryAt: millis(1_000_001),
    failuresInRow: 1,
    words: '',
  } as const;

  expect(describeUplink(status({ link }))).toBe('uplink cloud: down for 1 s, retry in 1 s, nothing waits');
});
