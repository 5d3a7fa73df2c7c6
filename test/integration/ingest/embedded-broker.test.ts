import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '#test/support/until.ts';
import { MqttJsLinks } from '#agent/host/mqtt-client.ts';
import type { MqttLinkOptions, TlsOptions } from '#agent/ports/broker.ts';
import { AedesBrokers } from '#agent/host/mqtt-broker.ts';
import { HostClock } from '#agent/host/clock.ts';
import { BrokerSource, type BrokerSourceOptions } from '#agent/ingest/broker-source.ts';
import { Intake } from '#agent/ingest/intake.ts';
import {
  keeperOf,
  ListedDeadLetters,
  RecordingTelemetry,
  ScriptedStore,
  plan,
  router,
  storedTexts,
} from '#test/support/mqtt-fakes.ts';

interface Rig {
  readonly source: BrokerSource;
  readonly store: ScriptedStore;
  readonly telemetry: RecordingTelemetry;
  readonly port: number;
  /** Commits everything until `count` readings are stored in stream a. */
  stored(count: number): Promise<string[]>;
}

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function rigOf(
  options: Partial<BrokerSourceOptions> = {},
  broker: Partial<BrokerSourceOptions['broker']> = {},
): Promise<Rig> {
  const store = new ScriptedStore();
  const telemetry = new RecordingTelemetry();
  const clock = new HostClock();
  const intake = new Intake({
    store,
    router,
    plans: [plan('a'), plan('b')],
    deadLetters: new ListedDeadLetters(),
    clock,
    telemetry,
    defer: (run) => void setImmediate(run),
  });
  const source = new BrokerSource(
    {
      name: 'sensors',
      ack: 'fsynced',
      users: [],
      anonymous: true,
      receiveMaximum: 1_000,
      broker: {
        listen: { host: '127.0.0.1', port: 0 },
        websocket: { host: '127.0.0.1', port: 0 },
        clientsMax: 10,
        packetBytesMax: 10_000,
        connectTimeoutMs: 30_000,
        sessionExpiryMs: 60_000,
        sessionQueueMax: 5,
        ...broker,
      },
      ...options,
    },
    { brokers: new AedesBrokers(), intake, marks: keeperOf([]), clock, telemetry },
  );
  await source.start();
  closers.push(() => source.stop());
  const stored = async (count: number): Promise<string[]> => {
    while (storedTexts(store.stored, 'a').length < count) {
      await turn();
      await store.answerAll();
    }
    return storedTexts(store.stored, 'a');
  };
  return { source, store, telemetry, port: source.addresses[0]!.port, stored };
}

async function clientOf(rig: Rig, options: IClientOptions = {}, url?: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url ?? `mqtt://127.0.0.1:${rig.port}`, {
    reconnectPeriod: 0,
    ...options,
  });
  client.on('error', () => undefined);
  closers.push(() => client.endAsync(true));
  return client;
}

/** A bare connection: what a sensor writes, byte by byte. */
async function rawOf(
  rig: Rig,
  clientId: string,
): Promise<{ socket: Socket; packets: Packet[]; send: (...packets: Packet[]) => void }> {
  const socket = connect(rig.port, '127.0.0.1');
  const packets: Packet[] = [];
  const parser = mqttPacket.parser();
  parser.on('packet', (packet: Packet) => packets.push(packet));
  socket.on('data', (bytes: Buffer) => parser.parse(bytes));
  socket.on('error', () => undefined);
  closers.push(() => socket.destroy());
  const send = (...list: Packet[]): void => {
    socket.write(Buffer.concat(list.map((packet) => mqttPacket.generate(packet))));
  };
  send({ cmd: 'connect', clientId, protocolId: 'MQTT', protocolVersion: 4, clean: false, keepalive: 30 });
  while (packets.length === 0) await turn();
  return { socket, packets, send };
}

const publish = (messageId: number, text: string, qos: 1 | 2 = 1, dup = false): Packet => ({
  cmd: 'publish',
  topic: 'a/1',
  payload: text,
  qos,
  dup,
  retain: false,
  messageId,
});

const ids = (packets: readonly Packet[], cmd: Packet['cmd']): unknown[] =>
  packets.filter((packet) => packet.cmd === cmd).map((packet) => packet.messageId);

/** A certificate for 127.0.0.1 that is its own authority, and its key. */
function certificate(folder: string): [string, string] {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=sedge', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
  });
  return [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')];
}

const linkOptions = (url: string, tls: TlsOptions): MqttLinkOptions => ({
  url,
  tls,
  version: '3.1.1',
  clientId: 'link',
  clean: true,
  sessionExpirySeconds: 0,
  keepAliveSeconds: 30,
  connectTimeoutMs: 30_000,
  receiveMaximum: 10,
  packetBytesMax: 10_000,
});

const closedOf = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => void client.once('close', () => resolve()));

describe('the embedded broker', () => {
  it('takes many messages of one publisher before it acknowledges the first, after the commit', async () => {
    const rig = await rigOf();
    const { packets, send } = await rawOf(rig, 'sensor');
    const count = 500;
    send(...Array.from({ length: count }, (_, i) => publish(i + 1, `${i}`)));

    await until('an append', () => rig.store.calls.length > 0);
    await turn();
    expect(ids(packets, 'puback')).toEqual([]);
    await rig.stored(count);
    await until('the acknowledgements', () => ids(packets, 'puback').length === count);

    expect(ids(packets, 'puback')).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  });

  it.each([0, 1, 2] as const)('takes QoS %i from an ordinary client', async (qos) => {
    const rig = await rigOf();
    const client = await clientOf(rig);

    const published = Promise.all(['x', 'y'].map((text) => client.publishAsync('a/1', text, { qos })));
    const stored = await rig.stored(2);
    const settle = setInterval(() => void rig.store.answerAll(), 1);
    closers.push(() => clearInterval(settle));
    await published;

    expect(stored).toEqual(['x', 'y']);
  });

  it('takes readings over WebSocket', async () => {
    const rig = await rigOf();
    const client = await clientOf(rig, {}, `ws://127.0.0.1:${rig.source.addresses[1]!.port}`);

    await client.publishAsync('a/1', 'x', { qos: 0 });

    expect(await rig.stored(1)).toEqual(['x']);
  });

  it.skipIf(!existsSync('/usr/bin/openssl'))(
    'takes readings over TLS from clients with a certificate (skipped without openssl, which makes the certificates)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sedge-tls-'));
      closers.push(() => rmSync(folder, { recursive: true, force: true }));
      const [cert, key] = certificate(folder);
      const rig = await rigOf({}, { tls: { cert, key, clientCa: cert } });
      const url = `mqtts://127.0.0.1:${rig.port}`;
      const seen: string[] = [];
      const linkTo = (tls: TlsOptions): Promise<void> =>
        new Promise((resolve) => {
          const link = new MqttJsLinks().open(linkOptions(url, tls), {
            connected: () => {
              seen.push('connected');
              link.close();
            },
            publish: () => undefined,
            release: () => undefined,
            closed: ({ kind }) => {
              seen.push(kind);
              resolve();
            },
          });
        });

      await linkTo({ ca: cert, cert, key, verify: true });
      await linkTo({ cert, key, verify: true });
      await linkTo({ ca: cert, verify: true });
      const client = await clientOf(rig, { ca: cert, cert, key }, url);
      await client.publishAsync('a/1', 'x');

      expect(seen).toEqual(['connected', 'asked', 'network', 'network']);
      expect(await rig.stored(1)).toEqual(['x']);
    },
  );

  it('recognises what a client delivers again after its connection broke', async () => {
    const rig = await rigOf();
    const first = await rawOf(rig, 'sensor');
    first.send(publish(1, 'one'), publish(2, 'two', 2));
    await rig.stored(2);
    first.socket.destroy();

    const second = await rawOf(rig, 'sensor');
    second.send(publish(1, 'one', 1, true), publish(2, 'two', 2, true), publish(3, 'three'));
    const stored = await rig.stored(3);
    await until('the acknowledgements', () => ids(second.packets, 'puback').length === 2);
    second.send({ cmd: 'pubrel', messageId: 2 });
    await until('the PUBCOMP', () => {
      void rig.store.answerAll();
      return ids(second.packets, 'pubcomp').length === 1;
    });

    expect(stored).toEqual(['one', 'two', 'three']);
    expect(ids(second.packets, 'pubrec')).toEqual([2]);
  });

  it('recognises what MQTT.js sends again, which does so without DUP, when it never had an acknowledgement', async () => {
    const rig = await rigOf();
    const stores = { outgoingStore: new mqtt.Store(), incomingStore: new mqtt.Store() };
    const client = await clientOf(rig, { clientId: 'js', clean: false, ...stores });
    const published = client.publishAsync('a/1', 'x', { qos: 1 });
    await until('the append', () => rig.store.calls.length > 0);
    client.stream.destroy();
    await until('the end of the connection', () => rig.source.clients === 0);
    await rig.stored(1);

    client.reconnect(stores);
    await until('what settles the second delivery', () => {
      void rig.store.answerAll();
      return (rig.telemetry.counters.get('ingest_messages') ?? 0) === 2;
    });
    await published;

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x']);
    expect(rig.telemetry.counters.get('ingest_duplicates')).toBe(1);
  });

  it('serves subscribers, also one that was away, and retained messages, each within bounds', async () => {
    const rig = await rigOf();
    const got: string[] = [];
    const options = { clientId: 'viewer', clean: false };
    const viewer = await clientOf(rig, options);
    await viewer.subscribeAsync('#', { qos: 1 });
    await viewer.endAsync();
    const client = await clientOf(rig);
    for (let i = 0; i < 8; i++) client.publish('a/1', `${i}`, { qos: 1, retain: true });
    await rig.stored(8);

    const back = mqtt.connect(`mqtt://127.0.0.1:${rig.port}`, { ...options, reconnectPeriod: 0 });
    closers.push(() => back.endAsync(true));
    back.on('message', (_topic, payload) => got.push(payload.toString()));
    await until('the messages', () => got.length >= 5);

    expect(got).toEqual(['3', '4', '5', '6', '7']);
  });

  it('lets users do what they may, and nothing else', async () => {
    const users = [{ name: 'u', password: 'right', publish: ['a/#'], subscribe: ['out/#'] }];
    const rig = await rigOf({ users, anonymous: false });
    await expect(clientOf(rig)).rejects.toThrow(/not authorized|bad user/i);
    await expect(clientOf(rig, { username: 'u', password: 'wrong' })).rejects.toThrow(/bad user/i);
    const client = await clientOf(rig, { username: 'u', password: 'right' });

    await client.publishAsync('a/1', 'x');
    expect(await rig.stored(1)).toEqual(['x']);
    await expect(client.subscribeAsync('secret/#')).rejects.toThrow();
    const closed = closedOf(client);
    client.publish('b/1', 'y');
    await closed;

    expect(rig.telemetry.counters.get('ingest_broker_refused')).toBe(3);
  });

  it('takes the last will of a client that vanishes', async () => {
    const rig = await rigOf();
    const client = await clientOf(rig, {
      will: { topic: 'a/will', payload: Buffer.from('gone'), qos: 0, retain: false },
    });

    client.stream.destroy();

    expect(await rig.stored(1)).toEqual(['gone']);
  });

  it('refuses clients beyond its bound', async () => {
    const rig = await rigOf({}, { clientsMax: 1 });
    await clientOf(rig);

    const socket = connect(rig.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'close');

    expect(rig.source.clients).toBe(1);
    expect(rig.telemetry.counters.get('ingest_broker_refused')).toBe(1);
  });

  it.each([
    ['garbage', Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])],
    ['a message before CONNECT', mqttPacket.generate(publish(1, 'x'))],
    ['a packet that is too large', Buffer.from([0x10, 0xff, 0xff, 0x7f])],
  ])('cuts off a connection that sends %s, and serves the others', async (_what, bytes) => {
    const rig = await rigOf();
    const client = await clientOf(rig);
    const socket = connect(rig.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();

    socket.write(bytes);
    await once(socket, 'close');

    client.publish('a/1', 'x');
    expect(await rig.stored(1)).toEqual(['x']);
  });

  it('stops, closes its clients and starts no more', async () => {
    const rig = await rigOf();
    const client = await clientOf(rig);
    const closed = closedOf(client);

    await rig.source.stop();
    await rig.source.stop();
    await closed;

    expect(rig.source.clients).toBe(0);
  });
});
