import { describe, expect, test } from 'vitest';
import { type Micros, type Millis, micros, millis } from '#agent/base/units.ts';
import { Budget } from '#agent/uplink/budget.ts';

const dayMs = 86_400_000;
/** Noon of day 20,000 after 1970, plus `ms`; the wall clock may be off by `stepMs`. */
const at = (ms: number, stepMs = 0): { monotonic: Millis; wall: Micros } => ({
  monotonic: millis(ms),
  wall: micros((20_000.5 * dayMs + ms + stepMs) * 1000),
});

describe('Budget of a day', () => {
  const perDay = (bytes: number): Budget => new Budget({ bytesPerSecond: null, bytesPerDay: bytes });

  test('is spent to the last byte and opens again at midnight UTC', () => {
    const budget = perDay(1_000);
    budget.spend(at(0), 600);

    expect(budget.allows(at(1), 400)).toBe(true);
    expect(budget.allows(at(1), 401)).toBe(false);
    budget.spend(at(1), 400);
    expect(budget.waitMs(at(1_000))).toBe(dayMs / 2 - 1_000);
    expect(budget.allows(at(dayMs / 2))).toBe(true);
  });

  test('goes on after a restart where it was', () => {
    const budget = perDay(1_000);
    budget.restore({ day: 20_000, bytes: 900 });

    expect(budget.allows(at(0), 200)).toBe(false);
    expect(budget.day(at(0))).toBe(20_000);
  });

  test('lets one batch larger than the whole day through, on an untouched day', () => {
    const budget = perDay(1_000);

    expect(budget.allows(at(0), 5_000)).toBe(true);
    budget.spend(at(0), 5_000);
    expect(budget.allows(at(0), 1)).toBe(false);
  });

  test('a clock that swings around midnight opens no second account', () => {
    const budget = perDay(1_000);
    budget.spend(at(dayMs / 2 - 1), 1_000);
    expect(budget.allows(at(dayMs / 2))).toBe(true);
    budget.spend(at(dayMs / 2), 1_000);

    expect(budget.allows(at(dayMs / 2 + 1, -10_000))).toBe(false);
    expect(budget.allows(at(dayMs / 2 + 20_000))).toBe(false);
    expect(budget.day(at(dayMs / 2 + 20_000))).toBe(20_001);
  });

  test('a clock that starts in 1970 and is set later opens no second account either', () => {
    const budget = perDay(1_000);
    budget.restore({ day: 20_000, bytes: 1_000 });

    expect(budget.allows(at(0, -20_000 * dayMs))).toBe(false);
    expect(budget.allows(at(60_000))).toBe(false);
  });

  test('a clock that was far ahead and came back is believed after a day', () => {
    const budget = perDay(1_000);
    budget.spend(at(0, 30_000 * dayMs), 1_000);

    expect(budget.allows(at(1_000))).toBe(false);
    expect(budget.allows(at(1_000 + dayMs))).toBe(true);
    expect(budget.day(at(1_000 + dayMs))).toBe(20_001);
  });
});

describe('Budget of a second', () => {
  test('averages to the rate whatever the batch size', () => {
    const budget = new Budget({ bytesPerSecond: 1_000, bytesPerDay: null });
    let sent = 0;
    for (let ms = 0; ms < 100_000; ms += 10) {
      if (!budget.allows(at(ms))) continue;
      budget.spend(at(ms), 3_700);
      sent += 3_700;
    }

    expect(sent / 100).toBeGreaterThan(990);
    expect(sent / 100).toBeLessThan(1_050);
  });

  test('says how long the debt lasts', () => {
    const budget = new Budget({ bytesPerSecond: 1_000, bytesPerDay: null });
    budget.spend(at(0), 3_000);

    const waitMs = budget.waitMs(at(0));

    expect(waitMs).toBe(2_001);
    expect(budget.allows(at(waitMs))).toBe(true);
    expect(budget.allows(at(waitMs - 2))).toBe(false);
  });

  test('an idle night saves up no more than one second', () => {
    const budget = new Budget({ bytesPerSecond: 1_000, bytesPerDay: null });
    budget.spend(at(0), 1);
    budget.spend(at(dayMs / 4), 1_000);

    expect(budget.allows(at(dayMs / 4))).toBe(false);
  });
});
