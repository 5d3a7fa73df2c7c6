import { describe, expect, it } from 'vitest';
import { limits } from '#agent/ingest/limits.ts';
import { MarkKeeper } from '#agent/ingest/mark-keeper.ts';
import { MqttSource, type MqttSourceOptions } from '#agent/ingest/mqtt-source.ts';
import type { DeliveryMark } from '#agent/reading/journal-entry.ts';
import {
  flushPromises,
  full,
  intakeRig,
  keeperOf,
  storedTexts,
  type IntakeRig,
} from '#test/support/mqtt-fakes.ts';
import { ScriptedLinks } from '#test/support/mqtt-links.ts';

interface Rig extends IntakeRig {
  readonly links: ScriptedLinks;
  readonly source: MqttSource;
  /** A source of the same name, as a reload makes one. */
  successor(): MqttSource;
  /** Lets everything offered be stored and settled. */
  commit(): Promise<void>;
}

const link = {
  url: 'mqtt://broker',
  version: '5',
  clientId: 'c',
  clean: false,
  sessionExpirySeconds: 3600,
  keepAliveSeconds: 60,
  connectTimeoutMs: 1000,
  receiveMaximum: 4,
  packetBytesMax: 1000,
} as const;

async function rigOf(
  options: Partial<MqttSourceOptions> = {},
  marks: readonly DeliveryMark[] | MarkKeeper = [],
): Promise<Rig> {
  const base = intakeRig();
  const links = new ScriptedLinks();
  const keeper = marks instanceof MarkKeeper ? marks : keeperOf(marks);
  const sourceOf = (): MqttSource =>
    new MqttSource(
      {
        name: 's',
        topics: ['a/#'],
        qos: 1,
        ack: 'fsynced',
        backoffMsMin: 100,
        backoffMsMax: 1000,
        link,
        ...options,
      },
      {
        links,
        intake: base.intake,
        marks: keeper,
        clock: base.clock,
        entropy: { float: () => 0.5, uint32: () => 0 },
        telemetry: base.telemetry,
      },
    );
  const source = sourceOf();
  const commit = async (): Promise<void> => {
    base.scheduler.run();
    await base.store.answerAll();
    base.scheduler.run();
  };
  await source.start();
  return { ...base, links, source, successor: sourceOf, commit };
}

async function reconnect(rig: Rig, sessionPresent: boolean): Promise<void> {
  rig.links.last.events.closed({ kind: 'network', message: 'gone' });
  rig.clock.advance(1000);
  rig.links.last.events.connected({ sessionPresent });
  await flushPromises();
}

describe('MqttSource', () => {
  it('acknowledges many messages in one write, after the commit and in order', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: false });
    for (const id of [1, 2, 3]) rig.links.last.publish(id, `${id}`);

    rig.scheduler.run();
    expect(rig.links.last.acks).toEqual([]);
    await rig.commit();

    expect(rig.links.last.acks).toEqual(['puback 1', 'puback 2', 'puback 3']);
    expect(rig.links.last.writes).toBe(1);
  });

  it('acknowledges nothing of a dead connection on the new one', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x');
    rig.scheduler.run();
    await reconnect(rig, true);

    await rig.commit();

    expect(rig.links.links.map((one) => one.acks)).toEqual([[], []]);
  });

  it('recognises what a dead connection had brought, even before its commit, and acknowledges it behind that', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'late and constant');
    rig.scheduler.run();
    await reconnect(rig, true);
    rig.links.last.publish(1, 'late and constant', { dup: true });
    rig.scheduler.run();
    expect(rig.links.last.acks).toEqual([]);

    await rig.commit();

    expect(rig.links.last.acks).toEqual(['puback 1']);
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['late and constant']);
    expect(rig.telemetry.counters.get('ingest_duplicates')).toBe(1);
  });

  it.each([
    ['with DUP, id and content equal and its own time: a duplicate', 'x', { dup: true }, 1, ['x']],
    ['without DUP: a new message', 'x', {}, 1, ['x', 'x']],
    ['with other content: a new message', 'y', { dup: true }, 1, ['x', 'y']],
    ['with another id: a new message', 'x', { dup: true }, 2, ['x', 'x']],
  ])('takes an acknowledged QoS 1 message that comes again %s', async (_what, text, more, id, stored) => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x');
    await rig.commit();
    await reconnect(rig, true);

    rig.links.last.publish(id, text, more);
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(stored);
    expect(rig.links.last.acks).toEqual([`puback ${id}`]);
  });

  it('stores an acknowledged QoS 1 message again when its readings have no time of their own', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'late');
    await rig.commit();
    await reconnect(rig, true);

    rig.links.last.publish(1, 'late', { dup: true });
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['late', 'late']);
    expect(rig.store.stored.flatMap((entry) => entry.marks)).toEqual([]);
  });

  it.each([
    ['the same when its readings have their own time', 'x', ['x']],
    ['a new one when they have not', 'late', ['late', 'late']],
  ])('takes what comes again without DUP and was not acknowledged for %s', async (_what, text, stored) => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, text);
    rig.links.last.events.closed({ kind: 'network', message: 'gone' });
    await rig.commit();
    rig.clock.advance(1000);
    rig.links.last.events.connected({ sessionPresent: true });

    rig.links.last.publish(1, text);
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(stored);
    expect(rig.links.last.acks).toEqual(['puback 1']);
  });

  it('takes an equal message for new once the one that came again was acknowledged', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x');
    rig.links.last.events.closed({ kind: 'network', message: 'gone' });
    await rig.commit();
    rig.clock.advance(1000);
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x', { dup: true });
    await rig.commit();

    rig.links.last.publish(1, 'x');
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x', 'x']);
  });

  it('recognises after a restart what was committed before it', async () => {
    const before = await rigOf();
    before.links.last.events.connected({ sessionPresent: true });
    before.links.last.publish(1, 'one');
    before.links.last.publish(2, 'two', { qos: 2 });
    await before.commit();
    const marks = before.store.stored.flatMap((entry) => entry.marks);

    const rig = await rigOf({}, marks);
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'one', { dup: true });
    rig.links.last.publish(2, 'two', { qos: 2, dup: true });
    await rig.commit();

    expect(rig.store.stored).toEqual([]);
    expect(rig.links.last.acks).toEqual(['puback 1', 'pubrec 2']);
  });

  it('recognises, also after a restart, a message whose id another one used since', async () => {
    const before = await rigOf();
    before.links.last.events.connected({ sessionPresent: true });
    before.links.last.publish(1, 'one');
    await before.commit();
    before.links.last.publish(1, 'another one');
    await before.commit();
    await reconnect(before, true);
    before.links.last.publish(1, 'one', { dup: true });
    before.links.last.publish(1, 'another one', { dup: true });
    await before.commit();
    expect(storedTexts(before.store.stored, 'a')).toEqual(['one', 'another one']);

    const rig = await rigOf(
      {},
      before.store.stored.flatMap((entry) => entry.marks),
    );
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'one', { dup: true });
    rig.links.last.publish(1, 'another one', { dup: true });
    await rig.commit();

    expect(rig.store.stored).toEqual([]);
    expect(rig.links.last.acks).toEqual(['puback 1', 'puback 1']);
  });

  it('recognises what the source it replaces took in and the store has refused so far', async () => {
    const marks = keeperOf([]);
    const rig = await rigOf({}, marks);
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'late');
    rig.scheduler.run();
    rig.source.stop();
    const successor = rig.successor();
    await successor.start();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'late', { dup: true });

    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['late']);
    expect(rig.links.last.acks).toEqual(['puback 1']);
  });

  it('acknowledges what comes again only once the source it replaces has stored it', async () => {
    const rig = await rigOf({}, keeperOf([]));
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'first');
    rig.scheduler.run();
    await rig.store.answerAll(full);
    for (let id = 2; id <= 3_000; id++) rig.links.last.publish(id, `late ${id}`);
    rig.source.stop();
    const successor = rig.successor();
    await successor.start();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(2_900, 'late 2900', { dup: true });
    rig.links.last.publish(3_001, 'new');
    rig.clock.advance(1_000);

    const early: boolean[] = [];
    for (let round = 0; rig.links.last.acks.length < 2 && round < 20; round++) {
      rig.scheduler.run();
      await rig.store.calls[0]?.answer({ ok: true });
      const isStored = storedTexts(rig.store.stored, 'a').includes('late 2900');
      if (rig.links.last.acks.length > 0 && !isStored) early.push(true);
    }

    expect(early).toEqual([]);
    expect(rig.links.last.acks).toEqual(['puback 2900', 'puback 3001']);
    expect(storedTexts(rig.store.stored, 'a')).toHaveLength(3_001);
    expect(rig.intake.inspect().bytes).toBe(0);
  });

  it('takes a QoS 1 message for new after a restart although a released QoS 2 message had its id and content', async () => {
    const before = await rigOf();
    before.links.last.events.connected({ sessionPresent: true });
    before.links.last.publish(1, 'same', { qos: 2 });
    await before.commit();
    before.links.last.events.release(1);
    await before.commit();

    const rig = await rigOf(
      {},
      before.store.stored.flatMap((entry) => entry.marks),
    );
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'same', { dup: true });
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['same']);
  });

  it('takes a QoS 2 message exactly once: PUBREC after its commit, PUBCOMP after the commit of its release', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(9, 'x', { qos: 2 });
    await rig.commit();
    rig.links.last.publish(9, 'x', { qos: 2, dup: true });
    rig.links.last.events.release(9);
    rig.scheduler.run();
    expect(rig.links.last.acks).toEqual(['pubrec 9']);
    await rig.commit();
    rig.links.last.publish(9, 'x', { qos: 2 });
    await rig.commit();

    expect(rig.links.last.acks).toEqual(['pubrec 9', 'pubrec 9', 'pubcomp 9', 'pubrec 9']);
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x', 'x']);
    expect(rig.store.stored.flatMap((entry) => entry.marks.map((mark) => mark.state))).toEqual([
      'seen',
      'released',
      'seen',
    ]);
  });

  it('answers a PUBREL it knows nothing about', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });

    rig.links.last.events.release(5);
    await rig.commit();

    expect(rig.links.last.acks).toEqual(['pubcomp 5']);
  });

  it('forgets its marks when the broker has lost the session', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: false });
    rig.links.last.publish(9, 'x', { qos: 2 });
    await rig.commit();
    await reconnect(rig, false);

    rig.links.last.publish(9, 'x', { qos: 2 });
    await rig.commit();

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x', 'x']);
  });

  it('subscribes at its first connection and when the session is gone, not otherwise', async () => {
    const rig = await rigOf({ sharedGroup: 'g' });
    rig.links.last.events.connected({ sessionPresent: true });
    await flushPromises();
    await reconnect(rig, true);
    await reconnect(rig, false);

    expect(rig.links.links.map((one) => one.subscriptions)).toEqual([['$share/g/a/#'], [], ['$share/g/a/#']]);
  });

  it('counts what a broker sends beyond Receive Maximum, and takes it in', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    for (let id = 1; id <= 6; id++) rig.links.last.publish(id, `${id}`);

    await rig.commit();

    expect(rig.telemetry.counters.get('ingest_mqtt_overshoot')).toBe(2);
    expect(rig.links.last.acks).toHaveLength(6);
    rig.links.last.publish(7, '7');
    await rig.commit();
    expect(rig.telemetry.counters.get('ingest_mqtt_overshoot')).toBe(2);
  });

  it.each([
    ['5', limits.overshootFactor * 4],
    ['3.1.1', 4],
  ] as const)('stops reading an MQTT %s socket at %i unsettled messages', async (version, bound) => {
    const rig = await rigOf({ link: { ...link, version } });
    rig.links.last.events.connected({ sessionPresent: true });
    for (let id = 1; id < bound; id++) rig.links.last.publish(id, `${id}`);
    expect(rig.links.last.paused).toBe(false);

    rig.links.last.publish(bound, 'x');
    expect(rig.links.last.paused).toBe(true);
    await rig.commit();

    expect(rig.links.last.paused).toBe(false);
  });

  it('waits between connections, longer while they fail, and stops when told', async () => {
    const rig = await rigOf();
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      rig.links.last.events.closed({ kind: 'network', message: 'gone' });
      waits.push(rig.source.inspect().retryAtMs! - rig.clock.monotonic());
      rig.clock.advance(1000);
    }
    expect(waits).toEqual([200, 350, 575, 912.5]);
    expect(rig.links.links).toHaveLength(5);

    rig.source.stop();
    rig.clock.advance(10_000);

    expect(rig.links.links).toHaveLength(5);
    expect(rig.source.inspect().state).toBe('stopped');
  });

  it('says which subscription is refused, and tries again later when all are', async () => {
    const rig = await rigOf();
    rig.links.last.refusals = [{ filter: 'a/#', message: 'not authorized' }];

    rig.links.last.events.connected({ sessionPresent: false });
    await flushPromises();

    expect(rig.source.inspect()).toMatchObject({
      state: 'waiting',
      reason: 'subscription refused: a/#: not authorized',
    });
    expect(rig.telemetry.events).toContain('ingest_mqtt_subscription_refused');
  });

  it('acknowledges on receipt where the configuration says so', async () => {
    const rig = await rigOf({ ack: 'received' });
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x');

    rig.scheduler.run();

    expect(rig.links.last.acks).toEqual(['puback 1']);
  });

  it('still acknowledges what it holds after hold, and reads nothing more', async () => {
    const rig = await rigOf();
    rig.links.last.events.connected({ sessionPresent: true });
    rig.links.last.publish(1, 'x');
    rig.source.hold();

    await rig.commit();

    expect(rig.links.last.acks).toEqual(['puback 1']);
    expect(rig.links.last.paused).toBe(true);
  });
});
