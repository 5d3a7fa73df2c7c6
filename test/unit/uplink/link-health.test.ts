import { describe, expect, test } from 'vitest';
import { hour, millis } from '#agent/base/units.ts';
import { LinkHealth } from '#agent/uplink/link-health.ts';

const backoff = { minMs: millis(1_000), maxMs: millis(60_000) };
const failed = { kind: 'failed', words: 'HTTP 503', random: 0.5 } as const;

function down(): LinkHealth {
  const health = new LinkHealth(backoff);
  health.step({ ...failed, unreachable: true }, millis(0));
  return health;
}

describe('LinkHealth', () => {
  test('single failures between successes do not stop the link', () => {
    const health = new LinkHealth(backoff);
    for (let i = 0; i < 100; i++) {
      health.step(i % 5 === 4 ? { kind: 'answered', taken: true } : failed, millis(i));
      expect(health.allowance(4, millis(i))).toBe(4);
    }
  });

  test('five failures in a row take it down, counted from the first of them', () => {
    const health = new LinkHealth(backoff);
    const effects = [10, 20, 30, 40, 50].map((at) => health.step(failed, millis(at)));

    expect(effects.flat()).toEqual([{ kind: 'down', words: 'HTTP 503' }]);
    expect(health.inspect()).toMatchObject({ state: 'down', downSince: 10, retryAt: 550 });
    expect(health.allowance(4, millis(549))).toBe(0);
  });

  test('a host that cannot be met is down at once', () => {
    expect(down().inspect()).toMatchObject({ state: 'down', downSince: 0, retryAt: 500 });
  });

  test('when the pause is over one batch tries, and no other until it has an answer', () => {
    const health = down();

    expect(health.allowance(4, millis(500))).toBe(1);
    health.step({ kind: 'sent' }, millis(500));
    expect(health.allowance(4, millis(10_000))).toBe(0);
    const effects = health.step({ kind: 'answered', taken: true }, millis(900));

    expect(effects).toEqual([{ kind: 'up', downMs: 900 }]);
    expect(health.allowance(4, millis(900))).toBe(4);
  });

  test('a try that never left may be made again', () => {
    const health = down();
    health.step({ kind: 'sent' }, millis(500));
    health.step({ kind: 'withdrawn' }, millis(501));

    expect(health.allowance(4, millis(501))).toBe(1);
  });

  test('pauses double up to the maximum and never become nothing', () => {
    const health = new LinkHealth(backoff);
    const pauses: number[] = [];
    let now = 0;
    for (let i = 0; i < 9; i++) {
      health.step({ kind: 'sent' }, millis(now));
      health.step({ ...failed, unreachable: true, random: i === 8 ? 0 : 0.999_999_9 }, millis(now));
      pauses.push(Math.round(health.nextDeadline()! - now));
      now = health.nextDeadline()!;
    }

    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 50]);
  });

  test('batches that fail together lengthen the pause once', () => {
    const health = new LinkHealth(backoff);
    for (let i = 0; i < 4; i++) health.step({ ...failed, unreachable: true }, millis(i));

    expect(health.inspect().retryAt).toBe(500);
  });

  test('a server that asks for time gets it at the first failure, but not more than an hour', () => {
    const health = new LinkHealth(backoff);
    health.step({ ...failed, retryAfterMs: 7_000 }, millis(0));
    const polite = health.nextDeadline();
    health.step({ ...failed, retryAfterMs: 1e12 }, millis(0));

    expect(polite).toBe(7_000);
    expect(health.nextDeadline()).toBe(hour);
  });

  test('five refused batches in a row make it pause: a wrong address must not empty the buffer', () => {
    const health = new LinkHealth(backoff);
    for (let i = 0; i < 4; i++) health.step({ kind: 'answered', taken: false }, millis(i));
    expect(health.allowance(4, millis(4))).toBe(4);

    health.step({ kind: 'answered', taken: false }, millis(5));
    expect(health.inspect()).toMatchObject({ state: 'down', words: 'refused 5 batches in a row' });
    expect(health.allowance(4, millis(1_005))).toBe(1);
  });
});
