import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { FloodPublisher } from '#agent/host/flood-publisher.ts';
import { until } from '#test/support/until.ts';

interface Peer {
  readonly port: number;
  readonly sockets: Socket[];
  readonly packets: Packet[];
  say(packet: Packet): void;
}

const servers: Server[] = [];
const publishers: FloodPublisher[] = [];

afterEach(() => {
  for (const publisher of publishers.splice(0)) publisher.stop();
  for (const server of servers.splice(0)) server.close();
});

/** A broker that does what the test says. */
async function peer(answer: (packet: Packet, say: (packet: Packet) => void) => void): Promise<Peer> {
  const sockets: Socket[] = [];
  const packets: Packet[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    const say = (packet: Packet): void => void socket.write(mqttPacket.generate(packet));
    parser.on('packet', (packet) => {
      packets.push(packet);
      answer(packet, say);
    });
    socket.on('data', (bytes: Buffer) => void parser.parse(bytes));
    socket.on('error', () => {});
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    packets,
    say: (packet) => void sockets.at(-1)?.write(mqttPacket.generate(packet)),
  };
}

function publisherOf(port: number, options: Partial<ConstructorParameters<typeof FloodPublisher>[0]> = {}) {
  let made = 0;
  const publisher = new FloodPublisher({
    host: '127.0.0.1',
    port,
    clientId: 'flood',
    total: 3,
    window: 3,
    message: (sequence) => ({ topic: `t/${sequence}`, payload: `${sequence} made ${made++}` }),
    ...options,
  });
  publishers.push(publisher);
  publisher.start();
  return publisher;
}

const connack: Packet = { cmd: 'connack', returnCode: 0, sessionPresent: true };
const publishes = (packets: readonly Packet[]): IPublishPacket[] =>
  packets.filter((packet) => packet.cmd === 'publish');

describe('FloodPublisher', () => {
  it('sends again, byte for byte but for DUP, what a broken connection left unacknowledged', async () => {
    const broker = await peer((packet, say) => {
      if (packet.cmd === 'connect') say(connack);
    });
    publisherOf(broker.port);
    await until('three publishes', () => publishes(broker.packets).length === 3);

    broker.sockets[0]!.destroy();
    await until('three more', () => publishes(broker.packets).length === 6);

    const [first, again] = [publishes(broker.packets).slice(0, 3), publishes(broker.packets).slice(3)];
    expect(again.map(({ dup }) => dup)).toEqual([true, true, true]);
    expect(again.map(({ messageId, topic, payload }) => [messageId, topic, String(payload)])).toEqual(
      first.map(({ messageId, topic, payload }) => [messageId, topic, String(payload)]),
    );
  });

  it('publishes nothing new while it is paused, and ends once everything is acknowledged', async () => {
    const broker = await peer((packet, say) => {
      if (packet.cmd === 'connect') say(connack);
    });
    const publisher = publisherOf(broker.port, { window: 2 });
    await until('two publishes', () => publishes(broker.packets).length === 2);

    publisher.pause();
    const acknowledge = (packets: IPublishPacket[]): void => {
      for (const { messageId } of packets) broker.say({ cmd: 'puback', messageId: messageId! });
    };
    acknowledge(publishes(broker.packets));
    await until('both to be acknowledged', () => publisher.acknowledgedCount === 2);
    const publishedWhilePaused = publisher.published;
    publisher.resume();
    await until('the third publish', () => publishes(broker.packets).length === 3);
    acknowledge(publishes(broker.packets).slice(2));
    await publisher.finished();

    expect(publishedWhilePaused).toBe(2);
    expect(publisher.acknowledgedCount).toBe(3);
  });

  it('tries again when a broker takes the connection and never answers', async () => {
    const broker = await peer(() => {});
    const publisher = publisherOf(broker.port, { connectMsMax: 20 });

    await until('a second connection', () => broker.sockets.length >= 2);

    expect(publisher.words).toMatch(/not connected: no CONNACK within 20 ms/);
  });

  it('says why a broker refuses it', async () => {
    const broker = await peer((packet, say) => {
      if (packet.cmd === 'connect') say({ cmd: 'connack', returnCode: 5, sessionPresent: false });
    });
    const publisher = publisherOf(broker.port);

    await until('a refusal', () => broker.sockets.length >= 2);

    expect(publisher.words).toContain('refused with CONNACK 5');
  });
});
