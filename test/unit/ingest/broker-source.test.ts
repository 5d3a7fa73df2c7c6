import { describe, expect, it } from 'vitest';
import { BrokerSource } from '#agent/ingest/broker-source.ts';
import { limits } from '#agent/ingest/limits.ts';
import type { BrokerClient, BrokerEvents, EmbeddedBrokers, MqttPublish } from '#agent/ports/broker.ts';
import { intakeRig, keeperOf, storedTexts } from '#test/support/mqtt-fakes.ts';

/** A broker whose clients connect when the test says so; it notes which of them are read. */
class ScriptedBroker implements EmbeddedBrokers {
  readonly paused = new Set<string>();
  #events!: BrokerEvents;

  open(_options: unknown, events: BrokerEvents): ReturnType<EmbeddedBrokers['open']> {
    this.#events = events;
    return Promise.resolve({
      addresses: [],
      clients: 0,
      publish: () => undefined,
      close: () => Promise.resolve(),
    });
  }

  async connect(
    clientId: string,
    { clean, acknowledge }: Partial<BrokerClient> = {},
  ): ReturnType<BrokerEvents['connected']> {
    this.paused.delete(clientId);
    const client: BrokerClient = {
      clientId,
      clean: clean ?? true,
      user: null,
      acknowledge: acknowledge ?? (() => undefined),
      pause: () => void this.paused.add(clientId),
      resume: () => void this.paused.delete(clientId),
    } as unknown as BrokerClient;
    return this.#events.connected(client);
  }
}

/** A source whose clients connect when the test says so. */
async function started() {
  const rig = intakeRig();
  const { intake, clock, telemetry } = rig;
  const brokers = new ScriptedBroker();
  const source = new BrokerSource(
    {
      name: 'sensors',
      ack: 'fsynced',
      users: [],
      anonymous: true,
      receiveMaximum: 10,
      broker: {
        listen: { host: '127.0.0.1', port: 0 },
        clientsMax: 10,
        packetBytesMax: 1_000,
        connectTimeoutMs: 1_000,
        sessionExpiryMs: 1_000,
        sessionQueueMax: 1,
      },
    },
    { brokers, intake, marks: keeperOf([]), clock, telemetry },
  );
  await source.start();
  return { ...rig, brokers, source };
}

const message = (packetId: number, more: Partial<MqttPublish> = {}): MqttPublish => ({
  topic: 'a/1',
  payload: Buffer.from(`message ${packetId}`),
  qos: 1,
  dup: false,
  retain: false,
  packetId,
  ...more,
});

describe('BrokerSource', () => {
  it('reads no client once held, those that connect afterwards neither', async () => {
    const { brokers, source } = await started();
    await brokers.connect('before');
    expect([...brokers.paused]).toEqual([]);

    source.hold();
    await brokers.connect('after');

    expect([...brokers.paused]).toEqual(['before', 'after']);
    await source.stop();
  });

  it('acknowledges what a client sends again on its next connection only behind what it sent on the last', async () => {
    const { brokers, source, scheduler, store } = await started();
    const acks: number[] = [];
    const acknowledge: BrokerClient['acknowledge'] = (some) =>
      acks.push(...some.map(({ packetId }) => packetId));
    const first = await brokers.connect('sensor', { clean: false });
    for (let id = 1; id <= 3; id++) first.publish(message(id));
    // Taken over: the new connection is there before the old one is told of its end.
    const second = await brokers.connect('sensor', { clean: false, acknowledge });
    first.publish(message(9));
    first.closed();
    for (let id = 1; id <= 3; id++) second.publish(message(id, { dup: true }));
    second.publish(message(4));

    scheduler.run();
    expect(acks).toEqual([]);
    await store.answerAll();
    scheduler.run();
    await store.answerAll();

    expect(acks).toEqual([1, 2, 3, 4]);
    expect(storedTexts(store.stored, 'a')).toEqual([1, 2, 3, 4].map((id) => `message ${id}`));
    await source.stop();
  });

  it('gives a client that comes and goes no more credit than one that stays', async () => {
    const { brokers, source, scheduler, intake, store } = await started();
    const payload = Buffer.alloc(limits.brokerClientBytes / 4);
    for (let connection = 0; connection < 6; connection++) {
      const peer = await brokers.connect('sensor', { clean: false });
      if (!brokers.paused.has('sensor')) peer.publish(message(connection + 1, { payload }));
      peer.closed();
    }

    expect(intake.inspect().bytes).toBeLessThan(1.1 * limits.brokerClientBytes);
    scheduler.run();
    await store.answerAll();
    expect(intake.inspect().bytes).toBe(0);
    expect(brokers.paused).toContain('sensor');
    await brokers.connect('sensor', { clean: false });
    expect(brokers.paused).toEqual(new Set());
    await source.stop();
  });
});
