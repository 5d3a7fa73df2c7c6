import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MqttJsLinks } from '#agent/host/mqtt-client.ts';
import type {
  MqttCloseReason,
  MqttLink,
  MqttLinkEvents,
  MqttLinkOptions,
  MqttPublish,
} from '#agent/ports/broker.ts';
import { RawBroker, type RawSession } from '#test/support/mqtt-raw-broker.ts';
import type { IPublishPacket, Packet } from 'mqtt-packet';

/** The far end of one link, as the ingest room would see it. */
class Recorder implements MqttLinkEvents {
  readonly seen: string[] = [];
  readonly published: MqttPublish[] = [];
  reason: MqttCloseReason | null = null;
  readonly #waiting: (() => void)[] = [];

  connected({ sessionPresent }: { sessionPresent: boolean }): void {
    this.#note(`connected ${sessionPresent}`);
  }

  publish(packet: MqttPublish): void {
    this.published.push(packet);
    this.#note(`publish ${packet.packetId}`);
  }

  release(packetId: number): void {
    this.#note(`release ${packetId}`);
  }

  closed(reason: MqttCloseReason): void {
    this.reason = reason;
    this.#note(`closed ${reason.kind}`);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #note(what: string): void {
    this.seen.push(what);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

let broker: RawBroker;
let url: string;
const open: MqttLink[] = [];

beforeEach(async () => {
  broker = new RawBroker();
  url = await broker.start();
});

afterEach(() => {
  for (const link of open.splice(0)) link.close();
  broker.stop();
});

async function linked(
  options: Partial<MqttLinkOptions> = {},
): Promise<{ link: MqttLink; events: Recorder; session: RawSession }> {
  const events = new Recorder();
  const next = broker.next();
  const link = new MqttJsLinks().open(
    {
      url,
      version: '5',
      clientId: 'sedge-test',
      clean: false,
      sessionExpirySeconds: 77,
      keepAliveSeconds: 60,
      connectTimeoutMs: 30_000,
      receiveMaximum: 12,
      packetBytesMax: 10_000,
      ...options,
    },
    events,
  );
  open.push(link);
  return { link, events, session: await next };
}

const connack = (sessionPresent = false): Packet => ({
  cmd: 'connack',
  reasonCode: 0,
  returnCode: 0,
  sessionPresent,
});

const publish = (messageId: number, more: Partial<IPublishPacket> = {}): Packet => ({
  cmd: 'publish',
  topic: 't/1',
  payload: `${messageId}`,
  qos: 1,
  dup: false,
  retain: false,
  messageId,
  ...more,
});

describe.each(['5', '3.1.1'] as const)('an MQTT %s link', (version) => {
  it('asks for a session that stays, and advertises its bounds where the version has them', async () => {
    const { session } = await linked({ version });

    const { clean, clientId, protocolVersion, properties } = session.connect;
    expect({ clean, clientId, protocolVersion }).toEqual({
      clean: false,
      clientId: 'sedge-test',
      protocolVersion: version === '5' ? 5 : 4,
    });
    if (version === '5')
      expect(properties).toMatchObject({
        sessionExpiryInterval: 77,
        receiveMaximum: 12,
        maximumPacketSize: 10_000,
      });
  });

  it('hands over messages that came in one piece with CONNACK, after saying that it is connected', async () => {
    const { events, session } = await linked({ version });

    session.send(connack(true), publish(1), publish(2), { cmd: 'pubrel', messageId: 3 });
    await events.until(() => events.seen.length === 4);

    expect(events.seen).toEqual(['connected true', 'publish 1', 'publish 2', 'release 3']);
  });

  it('acknowledges nothing by itself, and out of turn when told', async () => {
    const { link, events, session } = await linked({ version });
    session.send(connack(), publish(1), publish(2, { qos: 2 }), publish(3));
    await events.until(() => events.published.length === 3);
    expect(session.received).toEqual([]);

    link.acknowledge([
      { ack: 'puback', packetId: 3 },
      { ack: 'pubrec', packetId: 2 },
    ]);
    await session.until('pubrec', 1);

    expect(session.received.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ['puback', 3],
      ['pubrec', 2],
    ]);
  });

  it('keeps its packets whole when it subscribes while acknowledging', async () => {
    const { link, events, session } = await linked({ version });
    session.send(connack(), ...Array.from({ length: 50 }, (_, i) => publish(i + 1)));
    await events.until(() => events.published.length === 50);

    const granted: unknown[] = [];
    for (let i = 1; i <= 50; i++) {
      granted.push(link.subscribe([`a/${i}`, `b/${i}`], 1));
      link.acknowledge([{ ack: 'puback', packetId: i }]);
    }
    await session.until('puback', 50);
    await session.until('subscribe', 50);

    expect(await Promise.all(granted)).toEqual(Array.from({ length: 50 }, () => []));
    expect(session.received).toHaveLength(100);
  });

  it('reads nothing while paused, and goes on afterwards', async () => {
    const { link, events, session } = await linked({ version });
    session.send(connack(), publish(1));
    await events.until(() => events.published.length === 1);
    link.pause();
    const many = Array.from({ length: 2_000 }, (_, i) => publish(i + 2, { payload: 'x'.repeat(8_000) }));
    const drained = session.socket.write(session.bytes(...many));

    expect(drained).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.published.length).toBeLessThan(100);
    link.resume();
    await events.until(() => events.published.length === 2_001);
  });

  it('is kept alive while paused, though it reads no answer to its pings', async () => {
    const { link, events, session } = await linked({ version, keepAliveSeconds: 1 });
    session.send(connack());
    await events.until(() => events.seen.length === 1);
    link.pause();
    // More than the socket holds: what answers the pings stands behind it.
    session.send(...Array.from({ length: 1_000 }, (_, i) => publish(i + 1, { payload: 'x'.repeat(8_000) })));

    // Pings of three keep-alive intervals: brokers give up after one and a half.
    await session.until('pingreq', 6);

    expect(events.reason).toBeNull();
    link.resume();
    await events.until(() => events.published.length === 1_000 || events.reason !== null);
    expect(events.reason).toBeNull();
    await session.until('pingreq', 7);
  });

  it.each([
    ['garbage', Buffer.from([0x7f, 0x02, 0xab, 0xcd]), 'protocol'],
    ['a packet that is too large', Buffer.from([0x30, 0xff, 0xff, 0x7f]), 'protocol'],
    ['a malformed publish', Buffer.from([0x32, 0x03, 0, 9, 0x61]), 'protocol'],
  ])('ends the connection at %s', async (_what, bytes, kind) => {
    const { events, session } = await linked({ version });
    session.send(connack());
    await events.until(() => events.seen.length === 1);

    session.socket.write(bytes);
    await events.until(() => events.reason !== null);

    expect(events.seen.filter((what) => what.startsWith('closed'))).toEqual([`closed ${kind}`]);
  });

  it('ends the connection when messages come before CONNACK', async () => {
    const { events, session } = await linked({ version });

    session.send(publish(1));
    await events.until(() => events.reason !== null);

    expect(events.published).toEqual([]);
  });

  it('says that it was refused', async () => {
    const { events, session } = await linked({ version });

    session.send({ cmd: 'connack', reasonCode: 135, returnCode: 5, sessionPresent: false });
    await events.until(() => events.reason !== null);

    expect(events.reason).toMatchObject({ kind: 'refused' });
    expect(events.reason?.message).toMatch(/not authorized/i);
  });

  it('says that the network failed, once', async () => {
    const { events, session } = await linked({ version });
    session.send(connack());
    await events.until(() => events.seen.length === 1);

    session.socket.resetAndDestroy();
    await events.until(() => events.reason !== null);

    expect(events.seen.slice(1)).toEqual(['closed network']);
  });

  it('writes nothing after it is closed', async () => {
    const { link, events, session } = await linked({ version });
    session.send(connack(), publish(1));
    await events.until(() => events.published.length === 1);

    link.close();
    await events.until(() => events.reason !== null);
    link.acknowledge([{ ack: 'puback', packetId: 1 }]);

    expect(events.reason).toMatchObject({ kind: 'asked' });
    expect(session.received.map(({ cmd }) => cmd)).toEqual(['disconnect']);
  });
});

it('says that nobody listens', async () => {
  broker.stop();
  const events = new Recorder();
  open.push(
    new MqttJsLinks().open(
      {
        url: 'mqtt://127.0.0.1:1',
        version: '5',
        clientId: 'c',
        clean: true,
        sessionExpirySeconds: 0,
        keepAliveSeconds: 60,
        connectTimeoutMs: 30_000,
        receiveMaximum: 1,
        packetBytesMax: 1_000,
      },
      events,
    ),
  );

  await events.until(() => events.reason !== null);

  expect(events.reason).toMatchObject({ kind: 'network' });
  expect(events.reason?.message).toMatch(/^127\.0\.0\.1:\d+: connection refused$/);
});
