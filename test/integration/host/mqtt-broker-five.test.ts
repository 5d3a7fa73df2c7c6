import type { IClientOptions } from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type BrokerAccount, BrokerHost, settle, texts, until } from '#test/support/broker-host.ts';

const hosts: BrokerHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function hostOf(
  options: Parameters<BrokerHost['start']>[0] = {},
  users: Readonly<Record<string, BrokerAccount>> = {},
): Promise<BrokerHost> {
  const host = await new BrokerHost(users).start(options);
  hosts.push(host);
  return host;
}

const five: IClientOptions = { protocolVersion: 5 };

describe('an MQTT 5 client of the embedded broker', () => {
  it.each([0, 1, 2] as const)('publishes, and subscribes, with QoS %i', async (qos) => {
    const host = await hostOf();
    const { client, got } = await host.client(five);
    const granted = await client.subscribeAsync('a/#', { qos });

    await client.publishAsync('a/1', 'x', { qos });
    await until(() => got.length === 1);

    expect(granted[0]!.qos).toBe(qos);
    expect([got[0]!.qos, texts(got), host.taken.length]).toEqual([qos, ['x'], 1]);
  });

  it('is told the bounds, and a client id when it brings none', async () => {
    const host = await hostOf({ receiveMaximum: 7, packetBytesMax: 5_000, sessionExpiryMs: 9_000 });
    const { client } = await host.client({
      ...five,
      clientId: '',
      properties: { sessionExpiryInterval: 3_600 },
    });
    const connack = new Promise<Record<string, unknown>>((resolve) => {
      const socket = connect(host.port, '127.0.0.1');
      const parser = mqttPacket.parser({ protocolVersion: 5 });
      parser.on('packet', (packet) => {
        socket.destroy();
        resolve(packet as unknown as Record<string, unknown>);
      });
      socket.on('data', (bytes: Buffer) => parser.parse(bytes));
      socket.write(
        mqttPacket.generate({
          cmd: 'connect',
          clientId: '',
          protocolVersion: 5,
          clean: true,
          properties: { sessionExpiryInterval: 3_600 },
        }),
      );
    });

    expect(client.connected).toBe(true);
    expect(await connack).toMatchObject({
      reasonCode: 0,
      properties: {
        receiveMaximum: 7,
        maximumPacketSize: 5_000,
        sessionExpiryInterval: 9,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        assignedClientIdentifier: expect.stringMatching(/^sedge-/) as string,
      },
    });
  });

  it('gets the properties a publisher gave, and an older client the message without them', async () => {
    const host = await hostOf();
    const viewer = await host.client(five);
    const old = await host.client({ protocolVersion: 4 });
    for (const { client } of [viewer, old]) await client.subscribeAsync('a', { qos: 1 });
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from([1, 2]),
      userProperties: { room: '7' },
    };
    const { client } = await host.client(five);

    await client.publishAsync('a', 'x', { qos: 1, properties: { ...properties, messageExpiryInterval: 60 } });
    await until(() => viewer.got.length + old.got.length === 2);

    expect(viewer.got[0]!.properties).toMatchObject(properties);
    expect(viewer.got[0]!.properties!.messageExpiryInterval).toBeGreaterThan(58);
    expect([texts(viewer.got), texts(old.got)]).toEqual([['x'], ['x']]);
  });

  it('finds its queue and the retained messages when it comes back, with their properties', async () => {
    const host = await hostOf();
    const away = { ...five, clientId: 'viewer', clean: false, properties: { sessionExpiryInterval: 60 } };
    const first = await host.client(away);
    await first.client.subscribeAsync('a/#', { qos: 1 });
    await first.client.endAsync();
    const { client } = await host.client(five);
    for (const [text, seconds] of [
      ['gone', 0],
      ['kept', 60],
    ] as const) {
      const properties = { contentType: text, messageExpiryInterval: seconds };
      await client.publishAsync(`a/${text}`, text, { qos: 1, retain: true, properties });
    }

    const back = await host.client(away);
    await until(() => back.got.length === 1);
    await back.client.subscribeAsync('+/kept', { qos: 1 });
    await until(() => back.got.length === 2);

    expect(back.got.map((one) => [one.retain, one.payload.toString(), one.properties?.contentType])).toEqual([
      [false, 'kept', 'kept'],
      [true, 'kept', 'kept'],
    ]);
  });

  it('loses its session with the connection when it wants none kept', async () => {
    const host = await hostOf();
    const options = { ...five, clientId: 'viewer', clean: false };
    const first = await host.client(options);
    await first.client.subscribeAsync('a', { qos: 1 });
    await first.client.endAsync();
    const { client } = await host.client(five);
    await client.publishAsync('a', 'x', { qos: 1 });

    const back = await host.client(options);
    await settle();

    expect(back.got).toEqual([]);
  });

  it('has no more under way than its Receive Maximum, and still gets everything in order', async () => {
    const host = await hostOf();
    const socket = connect(host.port, '127.0.0.1');
    const got: { messageId: number; payload: Buffer }[] = [];
    const parser = mqttPacket.parser({ protocolVersion: 5 });
    let open = 0;
    parser.on('packet', (packet) => {
      open++;
      if (packet.cmd === 'publish') got.push(packet as never);
    });
    socket.on('data', (bytes: Buffer) => parser.parse(bytes));
    const send = (packet: object): void =>
      void socket.write(mqttPacket.generate(packet as never, { protocolVersion: 5 }));
    send({
      cmd: 'connect',
      clientId: 'slow',
      protocolVersion: 5,
      clean: true,
      properties: { receiveMaximum: 3 },
    });
    await until(() => open === 1);
    send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] });
    await until(() => open === 2);
    const { client } = await host.client();
    await Promise.all(Array.from({ length: 10 }, (_, i) => client.publishAsync('a', `${i}`, { qos: 1 })));

    await until(() => got.length === 3);
    await settle();
    const before = got.length;
    for (let i = 0; i < 10; i++) {
      await until(() => got.length > i);
      send({ cmd: 'puback', messageId: got[i]!.messageId, reasonCode: 0 });
    }

    expect(before).toBe(3);
    expect(got.map(({ payload }) => payload.toString())).toEqual(
      Array.from({ length: 10 }, (_, i) => `${i}`),
    );
    socket.destroy();
  });

  it('does not get what is larger than it takes, and gets what follows', async () => {
    const host = await hostOf();
    const small = { ...five, properties: { maximumPacketSize: 100 } };
    const { client, got } = await host.client(small);
    await client.subscribeAsync('a', { qos: 1 });
    const sensor = await host.client();

    await sensor.client.publishAsync('a', 'x'.repeat(200), { qos: 1 });
    await sensor.client.publishAsync('a', 'y', { qos: 1 });
    await until(() => got.length === 1);

    expect(texts(got)).toEqual(['y']);
  });

  it('is told which filters and messages it may not have, and stays', async () => {
    const users = { u: { password: 'p', publish: ['in/#'], subscribe: ['out/#'] } };
    const host = await hostOf({}, users);
    const { client } = await host.client({ ...five, username: 'u', password: 'p' });

    const granted = await client
      .subscribeAsync(['out/a', 'in/a'], { qos: 1 })
      .catch((error: unknown) => error);
    const published = await client.publishAsync('out/x', 'x', { qos: 1 }).catch((error: unknown) => error);
    await client.publishAsync('in/x', 'x', { qos: 1 });
    const left = await client.unsubscribeAsync(['out/a', 'nothing']).catch((error: unknown) => error);

    expect(JSON.stringify(granted)).toMatch(/135|authorized/i);
    expect(String(published)).toMatch(/not authorized/i);
    expect(left).not.toBeInstanceOf(Error);
    expect(host.taken.map(({ topic }) => topic)).toEqual(['in/x']);
    expect(host.refused).toEqual([expect.stringMatching(/^permission: .* may not publish to "out\/x"$/)]);
  });

  it.each([
    ['a wrong password', { username: 'u', password: 'x' }, /bad user|not authorized/i],
    ['an authentication method', { properties: { authenticationMethod: 'SCRAM' } }, /bad authentication/i],
    ['a client id that is too long', { clientId: 'x'.repeat(300) }, /client identifier|closed/i],
  ])('is refused in its own words with %s', async (_what, options, words) => {
    const host = await hostOf({}, { u: { password: 'p', publish: [], subscribe: [] } });

    await expect(host.client({ ...five, ...options })).rejects.toThrow(words);

    expect(host.refused).toHaveLength(1);
  });

  it('has its will published after a DISCONNECT that says so', async () => {
    const host = await hostOf();
    const will = { topic: 'gone', payload: Buffer.from('x'), qos: 1 as const, retain: false };
    const { client } = await host.client({ ...five, will });

    client.end(false, { reasonCode: 4 });
    await until(() => host.wills.length === 1);

    expect(host.wills).toEqual(['gone']);
  });
});
