import { describe, expect, it } from 'vitest';
import { micros } from '#agent/base/units.ts';
import type { Arrival, StreamPlan } from '#agent/ingest/arrival.ts';
import { GroupMaker, type GroupMoment } from '#agent/ingest/group.ts';
import type { AnyInlet } from '#agent/ingest/inlet.ts';
import { Intake } from '#agent/ingest/intake.ts';
import { createDecoder } from '#agent/reading/decode/decoder.ts';
import type { DecodeOptions } from '#agent/reading/decode/options.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import {
  arrival,
  full,
  ListedDeadLetters,
  ManualScheduler,
  plan,
  RecordingPeer,
  RecordingTelemetry,
  router,
  ScriptedStore,
} from '#test/support/mqtt-fakes.ts';

const second = 1_000_000;
const day = 86_400 * second;
const truth = Date.UTC(2026, 10, 21, 8) * 1_000;
const trusted: GroupMoment = { wallMicros: micros(truth), clockBase: null };
const unset: GroupMoment = { wallMicros: micros(truth), clockBase: truth - 50 * second };

function makerOf(options: Partial<DecodeOptions> & Pick<DecodeOptions, 'format'>): GroupMaker {
  const decoder = createDecoder(options);
  const stream: StreamPlan = {
    name: 's',
    clock: decoder.clock,
    decoder,
    preprocess: { process: (batch) => ({ outputs: [{ stream: 's', batch }], filtered: [] }) },
  };
  return new GroupMaker({
    store: { appendBytesMax: 4_000, unstorable: () => null },
    router: { routes: () => [{ stream: 's', tags: {} }] },
    deadLetters: new ListedDeadLetters(),
    plans: [stream],
  });
}

function parcel(...texts: string[]): ReadonlyMap<AnyInlet, readonly Arrival[]> {
  const arrivals = texts.map((text) => arrival('t', text, { arrivalMicros: truth }));
  return new Map([[{ source: 'a' } as AnyInlet, arrivals]]);
}

const timesOf = (maker: GroupMaker, now: GroupMoment, ...texts: string[]) =>
  maker.make(parcel(...texts), now).entries.map(({ batch, clockBase, received }) => ({
    clock: batch?.clock,
    times: [...(batch?.timeMicros ?? [])],
    clockBase,
    received,
  }));

describe('GroupMaker', () => {
  it('says what times of arrival were counted from while nobody has set the clock, and only of those', () => {
    const byArrival = makerOf({ format: 'json' });
    const byDevice = makerOf({ format: 'json', time: 't' });

    expect(timesOf(byArrival, unset, '{"v":1}')).toEqual([
      { clock: 'agent', times: [truth], clockBase: unset.clockBase, received: 1 },
    ]);
    expect(timesOf(byArrival, trusted, '{"v":1}')[0]?.clockBase).toBeUndefined();
    expect(timesOf(byDevice, unset, `{"v":1,"t":${truth}}`)[0]).toMatchObject({
      clock: 'device',
      received: 1,
    });
    expect(timesOf(byDevice, unset, `{"v":1,"t":${truth}}`)[0]?.clockBase).toBeUndefined();
  });

  it('keeps readings of a device apart from those of it that brought no time, each counted once', () => {
    const maker = makerOf({ format: 'influx' });
    const lines = [`m v=1 ${truth - second}000`, 'm v=2', `m v=3 ${truth - 2 * second}000`, 'm v=4'];

    expect(timesOf(maker, unset, lines.join('\n'))).toEqual([
      { clock: 'device', times: [truth - second, truth - 2 * second], clockBase: undefined, received: 2 },
      { clock: 'agent', times: [truth, truth], clockBase: unset.clockBase, received: 2 },
    ]);
    expect(timesOf(maker, unset, 'm v=2')).toEqual([
      { clock: 'agent', times: [truth], clockBase: unset.clockBase, received: 1 },
    ]);
  });

  it('counts times of devices that are far from a trusted clock, keeps them, and judges nobody by a clock that was not set', () => {
    const maker = makerOf({ format: 'json', time: 't' });
    const texts = [truth + 700 * second, truth + 500 * second, truth - 366 * day, truth - 364 * day].map(
      (time) => `{"v":1,"t":${time}}`,
    );
    const group = maker.make(parcel(...texts), trusted);

    expect(group.tally.astray).toEqual(new Map([['s', { ahead: 1, behind: 1 }]]));
    expect(group.entries[0]?.batch?.length).toBe(4);
    expect(maker.make(parcel(...texts), unset).tally.astray.size).toBe(0);
  });
});

describe('Intake', () => {
  it('moves arrivals that wait when the clock is set, and lets those under way keep what theirs were counted from', async () => {
    const counting: { baseMicros: number | null } = { baseMicros: truth };
    const clock = Object.assign(new FakeClock(truth), counting);
    const store = new ScriptedStore();
    const scheduler = new ManualScheduler();
    const intake = new Intake({
      store,
      router,
      plans: [plan('a')],
      deadLetters: new ListedDeadLetters(),
      clock,
      telemetry: new RecordingTelemetry(),
      defer: scheduler.defer,
    });
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('a/1', 'under way', { arrivalMicros: truth }));
    scheduler.run();
    await store.answerAll(full);
    inlet.offer(arrival('a/1', 'waiting', { arrivalMicros: truth + second }));
    clock.baseMicros = null;
    intake.restamp(day);
    intake.retryNow();
    await store.answerAll();
    scheduler.run();
    await store.answerAll();

    expect(
      store.stored.map(({ batch, clockBase }) => ({ times: [...(batch?.timeMicros ?? [])], clockBase })),
    ).toEqual([
      { times: [truth], clockBase: truth },
      { times: [truth + second + day], clockBase: undefined },
    ]);
  });
});
