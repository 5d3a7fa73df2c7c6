import { afterEach, describe, expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import type { OutgoingBatch, SendOutcome, Sink } from '#agent/uplink/sink.ts';
import { Uplink, type UplinkOptions } from '#agent/uplink/uplink.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { MemoryStore } from '#test/support/memory-store.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

type Answer = SendOutcome | Promise<SendOutcome>;

/** A sink that does what the test says, and remembers what it was given. */
class ScriptedSink implements Sink {
  readonly kind = 'scripted';
  readonly sent: string[] = [];
  readonly #answer: (batch: OutgoingBatch, attempt: number) => Answer;
  underWay = 0;
  underWayMost = 0;

  constructor(answer: (batch: OutgoingBatch, attempt: number) => Answer) {
    this.#answer = answer;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async send(batch: OutgoingBatch): Promise<SendOutcome> {
    const key = `${batch.stream}/${batch.first}-${batch.last}`;
    const attempt = this.sent.filter((other) => other === key).length;
    this.sent.push(key);
    this.underWay++;
    this.underWayMost = Math.max(this.underWayMost, this.underWay);
    try {
      return await this.#answer(batch, attempt);
    } finally {
      this.underWay--;
    }
  }
}

const taken = (batch: OutgoingBatch): SendOutcome => ({ kind: 'taken', bytes: batch.body.length });
const busy: SendOutcome = { kind: 'later', words: 'HTTP 503', bytes: 10 };
const gone: SendOutcome = { kind: 'later', words: 'connection refused', bytes: 0, unreachable: true };

/** After 50 ms of the clock. */
async function slowly(clock: FakeClock, answer: SendOutcome): Promise<SendOutcome> {
  const pause = Promise.withResolvers<void>();
  clock.after(millis(50), pause.resolve);
  await pause.promise;
  return answer;
}

interface House {
  readonly uplink: Uplink;
  readonly store: MemoryStore;
  readonly sink: ScriptedSink;
  readonly clock: FakeClock;
  readonly telemetry: SilentTelemetry;
}

const running: Uplink[] = [];
afterEach(async () => {
  for (const uplink of running.splice(0)) await uplink.stop();
});

function house(
  answer: (batch: OutgoingBatch, attempt: number) => Answer,
  options: Partial<UplinkOptions> = {},
): House {
  const store = new MemoryStore();
  const sink = new ScriptedSink(answer);
  const clock = new FakeClock();
  const telemetry = new SilentTelemetry();
  const uplink = new Uplink(
    { name: 'cloud', agent: 'gw-7', order: 'oldest_first', batchReadings: 10, ...options },
    { store, sink, clock, entropy: new Prng(1), telemetry },
  );
  running.push(uplink);
  return { uplink, store, sink, clock, telemetry };
}

describe('Uplink', () => {
  test('drains what is stored and what comes, several batches at once but never more than allowed', async () => {
    const { uplink, store, sink, clock } = house((batch) => slowly(clock, taken(batch)), { inFlight: 3 });
    store.append('s', 95);
    await uplink.start();
    await clock.advanceUntil(() => store.tally().waiting === 0, 10_000);
    store.append('s', 7);
    await clock.advanceUntil(() => store.tally().waiting === 0, 10_000);

    expect(store.tally()).toMatchObject({ delivered: 102, waiting: 0 });
    expect(sink.underWayMost).toBe(3);
    expect(uplink.status()).toMatchObject({ waitingReadings: 0, deliveredReadings: 102, batchesInFlight: 0 });
  });

  test('a reading stored at any moment leaves within milliseconds, not at the next look around', async () => {
    const { uplink, store, clock } = house(taken);
    await uplink.start();
    for (let i = 0; i < 50; i++) {
      store.append('s', 1);
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
      store.append('s', 1);
      await clock.advance(25);
      expect(store.tally().waiting, `after ${i}`).toBe(0);
    }
  });

  test('settles nothing before the sink has answered', async () => {
    const answer = Promise.withResolvers<SendOutcome>();
    const { uplink, store, clock } = house(() => answer.promise);
    store.append('s', 10);
    await uplink.start();
    await clock.advance(60_000);
    const before = store.tally();
    answer.resolve({ kind: 'taken', bytes: 1 });
    await clock.advance(0);

    expect(before).toMatchObject({ waiting: 10, delivered: 0 });
    expect(store.tally()).toMatchObject({ waiting: 0, delivered: 10 });
  });

  test('a batch that failed goes again under the same offsets, though more has come', async () => {
    const { uplink, store, sink, clock } = house((batch, attempt) => (attempt < 2 ? busy : taken(batch)), {
      inFlight: 1,
    });
    store.append('s', 4);
    await uplink.start();
    await clock.advance(0);
    store.append('s', 30);
    await clock.advanceUntil(() => store.tally().waiting === 0, 60_000);

    expect(sink.sent.filter((key) => key === 's/0-3')).toHaveLength(3);
    expect(store.settlements[0]).toMatchObject({ first: 0, count: 4 });
    expect(store.settlements.reduce((sum, one) => sum + one.bytes, 0)).toBe(uplink.status().sentBytes);
  });

  test('while the link is down one batch at a time asks, ever more slowly, and then everything goes', async () => {
    let away = true;
    const { uplink, store, sink, clock, telemetry } = house((batch) => (away ? gone : taken(batch)));
    store.append('s', 200);
    await uplink.start();
    await clock.advance(600_000);
    const asked = sink.sent.length;
    const status = uplink.status();
    away = false;
    await clock.advanceUntil(() => store.tally().waiting === 0, 120_000);

    expect(status.link.downSince).not.toBeNull();
    expect(asked).toBeLessThan(60);
    expect(asked).toBeGreaterThan(8);
    expect(store.tally().delivered).toBe(200);
    expect(telemetry.events.map((event) => event.event).filter((event) => /up|down/.test(event))).toContain(
      'uplink_up',
    );
    expect(telemetry.events.filter((event) => event.event === 'uplink_down')).toHaveLength(1);
  });

  test('after an outage new readings go before the backlog', async () => {
    let away = false;
    const { uplink, store, sink, clock } = house((batch) => slowly(clock, away ? gone : taken(batch)), {
      order: 'live_first',
      inFlight: 1,
    });
    store.append('s', 10);
    await uplink.start();
    await clock.advance(1_000);
    away = true;
    store.append('s', 100);
    await clock.advance(30_000);
    away = false;
    const seen = sink.sent.length;
    await clock.advanceUntil(() => uplink.status().link.state === 'up', 120_000);
    store.append('s', 10);
    await clock.advanceUntil(() => store.tally().waiting === 0, 60_000);

    const after = sink.sent.slice(seen);
    expect(after.indexOf('s/110-119')).toBeGreaterThan(0);
    expect(after.indexOf('s/110-119')).toBeLessThan(after.indexOf('s/100-109'));
  });

  test('a refused batch goes to the dead letter with the words, and the rest goes on', async () => {
    const { uplink, store, clock, telemetry } = house((batch) =>
      batch.first === 10 ? { kind: 'refused', words: 'HTTP 422: no', bytes: 5 } : taken(batch),
    );
    store.append('s', 30);
    await uplink.start();
    await clock.advance(1_000);

    expect(store.tally()).toMatchObject({ delivered: 20, refused: 10 });
    expect(store.words('s').get(15)).toBe('HTTP 422: no');
    expect(telemetry.events.some((event) => event.event === 'uplink_refused')).toBe(true);
  });

  test('a receiver that refuses everything empties no buffer', async () => {
    const { uplink, store, clock } = house((batch) => ({
      kind: 'refused',
      words: 'HTTP 404',
      bytes: batch.body.length,
    }));
    store.append('s', 10_000);
    await uplink.start();
    await clock.advance(600_000);

    expect(store.tally().refused).toBeLessThan(300);
    expect(uplink.status().link.words).toMatch(/refused \d+ batches in a row/);
  });

  test('readings refused one by one are left out of the next attempt and settled apart', async () => {
    const lines: number[] = [];
    const { uplink, store, clock } = house((batch, attempt) => {
      lines.push(batch.count);
      if (attempt > 0) return taken(batch);
      const refused = [2, 3, 9].map((offset) => ({ offset, reason: `no ${offset}` }));
      return { kind: 'partly', refused, rest: 'later', bytes: 1 };
    });
    store.append('s', 10);
    await uplink.start();
    await clock.advance(1_000);

    expect(lines).toEqual([10, 7]);
    expect(store.tally()).toMatchObject({ delivered: 7, refused: 3 });
    expect(store.settlements.map(({ first, count, outcome }) => [first, count, outcome.kind])).toEqual([
      [0, 2, 'delivered'],
      [2, 1, 'refused'],
      [3, 1, 'refused'],
      [4, 5, 'delivered'],
      [9, 1, 'refused'],
    ]);
  });

  test('an answer that blames readings outside the batch is a failure like any other', async () => {
    const { uplink, store, sink, clock } = house(() => ({
      kind: 'partly',
      refused: [{ offset: 999, reason: 'x' }],
      rest: 'later',
      bytes: 1,
    }));
    store.append('s', 10);
    await uplink.start();
    await clock.advance(10_000);

    expect(store.tally().waiting).toBe(10);
    expect(sink.sent.length).toBeLessThan(40);
  });

  test('a batch too big is halved until it fits, and a single reading too big is refused', async () => {
    const { uplink, store, clock } = house((batch) => {
      const big = batch.first <= 5 && batch.last >= 5;
      return batch.count > 4 || big ? { kind: 'too_big', words: 'HTTP 413', bytes: 1 } : taken(batch);
    });
    store.append('s', 40);
    await uplink.start();
    await clock.advance(60_000);

    expect(store.tally()).toMatchObject({ delivered: 39, refused: 1, waiting: 0 });
    expect(store.words('s').get(5)).toBe('too big: HTTP 413');
  });

  test('readings lost on disk meanwhile are passed over', async () => {
    const { uplink, store, clock } = house(taken);
    store.append('s', 50);
    store.drop('s', 0, 13);
    store.drop('s', 25, 27);
    await uplink.start();
    await clock.advance(10_000);

    expect(store.tally()).toMatchObject({ delivered: 35, dropped: 15, waiting: 0 });
    expect(uplink.status().waitingReadings).toBe(0);
  });

  test('small journal rows are put together to full batches', async () => {
    const { uplink, store, sink, clock } = house(taken);
    for (let i = 0; i < 20; i++) store.append('s', 1);
    await uplink.start();
    await clock.advance(1_000);

    expect(sink.sent).toEqual(['s/0-9', 's/10-19']);
  });

  test('a store in trouble is asked again, and what was taken is not sent twice', async () => {
    const { uplink, store, sink, clock, telemetry } = house(taken);
    store.append('s', 20);
    store.failing = { backlog: 2, read: 2, settle: 2 };
    await uplink.start();
    await clock.advance(20_000);

    expect(store.tally()).toMatchObject({ delivered: 20, waiting: 0 });
    expect(sink.sent).toHaveLength(2);
    expect(telemetry.counts.get('uplink_store_failures')).toBe(6);
  });

  test('keeps to its budget of the day and goes on the next one', async () => {
    const { uplink, store, clock } = house(taken, {
      budget: { bytesPerDay: 6_000, bytesPerSecond: null },
      inFlight: 1,
    });
    store.append('s', 100);
    await uplink.start();
    await clock.advance(600_000);
    const first = store.tally();
    const spent = uplink.status().budget.spentBytes;
    await clock.advanceUntil(() => store.tally().delivered > first.delivered, 24 * 3_600_000);

    expect(spent).toBeLessThanOrEqual(6_000);
    expect(first.delivered).toBeGreaterThan(20);
    expect(first.waiting).toBeGreaterThan(20);
    expect(store.tally().delivered).toBeGreaterThan(first.delivered);
  });

  test('keeps to its rate', async () => {
    const { uplink, store, clock } = house(taken, { budget: { bytesPerDay: null, bytesPerSecond: 500 } });
    store.append('s', 1_000);
    await uplink.start();
    await clock.advance(100_000);

    const { sentBytes } = uplink.status();
    expect(sentBytes).toBeGreaterThan(48_000);
    expect(sentBytes).toBeLessThan(56_000);
  });

  test('stop waits for what is under way, leaves no alarm, and may be called twice', async () => {
    const answer = Promise.withResolvers<SendOutcome>();
    const { uplink, store, clock } = house(() => answer.promise);
    store.append('s', 10);
    await uplink.start();
    await clock.advance(100);
    const stopped = Promise.all([uplink.stop(), uplink.stop()]);
    await clock.settle();
    answer.resolve({ kind: 'taken', bytes: 1 });
    await stopped;
    store.append('s', 10);
    await clock.advance(60_000);

    expect(store.tally()).toMatchObject({ delivered: 10, waiting: 10 });
    expect(clock.alarms).toBe(0);
  });

  test('the same seed sends the same batches at the same moments', async () => {
    const story = async (): Promise<string[]> => {
      const prng = new Prng(5);
      const told: string[] = [];
      const { uplink, store, clock } = house((batch) => {
        told.push(`${clock.monotonic()} ${batch.stream}/${batch.first}-${batch.last}`);
        return prng.chance(0.3) ? busy : taken(batch);
      });
      store.append('a', 70, { priority: 2 });
      store.append('b', 70, { priority: 8 });
      await uplink.start();
      await clock.advanceUntil(() => store.tally().waiting === 0, 600_000);
      return told;
    };

    expect(await story()).toEqual(await story());
  });
});

test('every batch finds its way in any weather', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const prng = new Prng(seed);
    const arrived = new Map<string, number>();
    const arrive = (batch: OutgoingBatch): void => {
      for (let offset = batch.first; offset <= batch.last; offset++) {
        const key = `${batch.stream} ${offset}`;
        arrived.set(key, (arrived.get(key) ?? 0) + 1);
      }
    };
    const { uplink, store, clock } = house(
      async (batch) => {
        const pause = Promise.withResolvers<void>();
        clock.after(millis(prng.below(300)), pause.resolve);
        await pause.promise;
        if (prng.chance(0.1)) return busy;
        if (prng.chance(0.05)) return gone;
        arrive(batch);
        return prng.chance(0.05) ? { kind: 'later', words: 'no answer', bytes: 1 } : taken(batch);
      },
      { order: prng.chance(0.5) ? 'live_first' : 'oldest_first', batchReadings: 1 + prng.below(20) },
    );
    await uplink.start();
    for (let i = 0; i < 10; i++) {
      store.append(prng.pick(['a', 'b', 'c']), 1 + prng.below(40));
      await clock.advance(prng.below(2_000));
    }
    const done = await clock.advanceUntil(() => store.tally().waiting === 0, 3_600_000);
    await uplink.stop();

    expect(done, `seed ${seed}`).toBe(true);
    expect(arrived.size, `seed ${seed}`).toBe(store.tally().delivered);
    expect(store.settledRangesSeen).toBeLessThanOrEqual(64);
  }
});
