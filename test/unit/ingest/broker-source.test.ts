import { describe, expect, it } from 'vitest';
import { BrokerSource } from '#agent/ingest/broker-source.ts';
import type { BrokerClient, BrokerEvents, EmbeddedBrokers } from '#agent/ports/broker.ts';
import { intakeRig, keeperOf } from '#test/support/mqtt-fakes.ts';

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

  async connect(clientId: string): Promise<void> {
    const client: BrokerClient = {
      clientId,
      clean: true,
      user: null,
      acknowledge: () => undefined,
      pause: () => void this.paused.add(clientId),
      resume: () => void this.paused.delete(clientId),
    } as unknown as BrokerClient;
    await this.#events.connected(client);
  }
}

describe('BrokerSource', () => {
  it('reads no client once held, those that connect afterwards neither', async () => {
    const { intake, clock, telemetry } = intakeRig();
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
    await brokers.connect('before');
    expect([...brokers.paused]).toEqual([]);

    source.hold();
    await brokers.connect('after');

    expect([...brokers.paused]).toEqual(['before', 'after']);
    await source.stop();
  });
});
