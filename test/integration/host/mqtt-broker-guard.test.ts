import type { IClientOptions } from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BrokerAccount, BrokerHost, settle, texts, until } from '#test/support/broker-host.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function hostOf(
  options: Parameters<BrokerHost['start']>[0] = {},
  users: Readonly<Record<string, BrokerAccount>> = {},
): Promise<BrokerHost> {
  const host = await new BrokerHost(users).start(options);
  closers.push(() => host.stop());
  return host;
}

const account = (publish: string[], subscribe: string[]): BrokerAccount => ({
  password: 'p',
  publish,
  subscribe,
});
const as = (username: string, more: IClientOptions = {}): IClientOptions => ({
  username,
  password: 'p',
  ...more,
});
const users = {
  sensor: account(['#'], []),
  viewer: account([], ['open/#']),
  other: account(['#'], ['#']),
};

describe.each([4, 5] as const)('what users may, protocol level %i', (protocolVersion) => {
  const user = (name: string, more: IClientOptions = {}): IClientOptions =>
    as(name, { protocolVersion, ...more });

  it("brings the agent's own messages to those who may read them, later to sessions that are away, and takes none in", async () => {
    const host = await hostOf({}, users);
    const session: IClientOptions =
      protocolVersion === 5
        ? { clean: false, clientId: 'v', properties: { sessionExpiryInterval: 60 } }
        : { clean: false, clientId: 'v' };
    const viewer = await host.client(user('viewer', session));
    await viewer.client.subscribeAsync('open/#', { qos: 1 });
    host.publish('open/a', 'there');
    host.publish('closed/a', 'secret');
    await until(() => viewer.got.length > 0);
    await viewer.client.endAsync();

    host.publish('open/a', 'away');
    const again = await host.client(user('viewer', session));
    await until(() => again.got.length > 0);
    await settle();

    expect([...texts(viewer.got), ...texts(again.got)]).toEqual(['there', 'away']);
    expect(again.got[0]).toMatchObject({ qos: 1, retain: false });
    expect(host.taken).toEqual([]);
  });

  it.each(['#', '+/x', 'closed/#', '$SYS/#', '$SYS/+/new/clients', '$share/g/open/#'])(
    'refuses the filter %s to one that may have open/#',
    async (filter) => {
      const host = await hostOf({}, users);
      const { client, got } = await host.client(user('viewer'));
      const sensor = await host.client(user('sensor'));

      const granted = await client.subscribeAsync(filter, { qos: 1 }).catch((error: unknown) => error);
      for (const topic of ['open', 'closed/x'])
        await sensor.client.publishAsync(topic, 'x', { qos: 1, retain: true });
      await settle();

      expect(JSON.stringify(granted) + String(granted)).toMatch(/128|135|error|authorized/i);
      expect(got).toEqual([]);
    },
  );

  it('shows nobody $SYS, and lets nobody publish there', async () => {
    const host = await hostOf();
    const { client, got } = await host.client({ protocolVersion });
    await client.subscribeAsync('$SYS/#').catch(() => undefined);
    await client.subscribeAsync('#');

    client.publish('$SYS/sedge/new/clients', 'x', { qos: 1 }, () => undefined);
    await until(() => host.refused.length === 1);
    await host.client({ protocolVersion });
    await settle();

    expect([got, host.taken]).toEqual([[], []]);
  });

  it('keeps a refused filter out of the session that its packet makes', async () => {
    const host = await hostOf({}, users);
    const away = user('viewer', { clientId: 'v', clean: false, properties: { sessionExpiryInterval: 60 } });
    if (protocolVersion === 4) delete away.properties;
    const first = await host.client(away);
    await first.client.subscribeAsync(['open/a', 'closed/a'], { qos: 1 }).catch(() => undefined);
    await first.client.endAsync();
    const sensor = await host.client(user('sensor'));
    for (const topic of ['closed/a', 'open/a']) await sensor.client.publishAsync(topic, topic, { qos: 1 });

    const back = await host.client(away);
    await until(() => back.got.length > 0);
    await settle();

    expect(texts(back.got)).toEqual(['open/a']);
  });

  it('refuses a last will where its user may not publish, and takes one where it may', async () => {
    const host = await hostOf({}, { u: account(['in/#'], []) });
    for (const topic of ['out/will', 'in/will']) {
      const will = { topic, payload: Buffer.from('x'), qos: 1 as const, retain: true };
      const { client } = await host.client(user('u', { will }));
      client.stream.destroy();
    }
    await until(() => host.wills.length + host.refused.length === 2);

    expect(host.wills).toEqual(['in/will']);
    expect(host.refused).toEqual(['permission: a last will may not go to "out/will"']);
  });

  it.each([true, false])('refuses the client id of another user, clean: %s', async (clean) => {
    const host = await hostOf({}, users);
    const first = await host.client(user('viewer', { clientId: 'one' }));

    await expect(host.client(user('other', { clientId: 'one', clean }))).rejects.toThrow(/not authorized/i);

    expect(first.client.connected).toBe(true);
    expect(host.refused).toEqual(['permission: the client id "one" belongs to another user']);
  });

  it('gives a session to nobody but its user, while that one is away', async () => {
    const host = await hostOf({}, users);
    const away = user('viewer', { clientId: 'one', clean: false, properties: { sessionExpiryInterval: 60 } });
    if (protocolVersion === 4) delete away.properties;
    const first = await host.client(away);
    await first.client.subscribeAsync('open/#', { qos: 1 });
    await first.client.endAsync();
    const sensor = await host.client(user('sensor'));
    await sensor.client.publishAsync('open/a', 'x', { qos: 1 });

    await expect(host.client({ ...away, username: 'other' })).rejects.toThrow(/not authorized/i);
    const back = await host.client(away);
    await until(() => back.got.length === 1);

    expect(texts(back.got)).toEqual(['x']);
  });
});

describe('permissions that were narrowed', () => {
  it('hold for what was queued and retained before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-broker-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const sessionsFile = join(folder, 'sessions');
    const away = as('viewer', { clientId: 'v', clean: false });
    const before = await hostOf({ sessionsFile }, { sensor: account(['#'], []), viewer: account([], ['#']) });
    const first = await before.client(away);
    await first.client.subscribeAsync('#', { qos: 1 });
    await first.client.endAsync();
    const sensor = await before.client(as('sensor'));
    for (const topic of ['closed/a', 'open/a'])
      await sensor.client.publishAsync(topic, topic, { qos: 1, retain: true });
    await before.stop();

    const after = await hostOf({ sessionsFile }, users);
    const back = await after.client(away);
    await until(() => back.got.length === 1);
    await back.client.subscribeAsync('open/#', { qos: 1 });
    await until(() => back.got.length === 2);
    await settle();

    expect(back.got.map(({ topic, retain }) => [topic, retain])).toEqual([
      ['open/a', false],
      ['open/a', true],
    ]);
  });
});

describe('a bad guest', () => {
  it('that sends no CONNECT is cut off, with a line', async () => {
    const host = await hostOf({ connectTimeoutMs: 100 });
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'close');

    expect(host.refused).toEqual(['protocol: a client sent no CONNECT in time']);
  });

  it('that stops in the middle of its CONNECT is cut off', async () => {
    const host = await hostOf({ connectTimeoutMs: 100 });
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(Buffer.from([0x10, 0x20, 0, 4]));
    await once(socket, 'close');

    expect(host.clients).toBe(0);
  });

  it('that floods connections finds the bound, and those that are in stay', async () => {
    const host = await hostOf({ clientsMax: 5 });
    const { client } = await host.client();
    const sockets = Array.from({ length: 200 }, () => connect(host.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    closers.push(() => sockets.forEach((socket) => socket.destroy()));

    await until(() => host.refused.length === 196);
    await client.publishAsync('a', 'x', { qos: 1 });

    expect(host.clients).toBe(5);
    expect(host.taken).toHaveLength(1);
  });

  it('that sends a packet above the bound is cut off, with a line', async () => {
    const host = await hostOf({ packetBytesMax: 1_000 });
    const { client } = await host.client({ clientId: 'big' });
    const closed = new Promise<void>((resolve) => void client.once('close', () => resolve()));

    client.publish('a', 'x'.repeat(2_000), { qos: 1 });
    await closed;

    expect(host.refused).toEqual([
      expect.stringMatching(
        /^protocol: client "big" sent a packet of \d+ bytes, at most 1000 are taken \(max_packet\)$/,
      ),
    ]);
  });

  it('that asks for more filters than one may have gets no more', async () => {
    const host = await hostOf();
    const { client } = await host.client();
    const granted: number[] = [];
    for (let i = 0; i < 1_100; i += 100) {
      const filters = Array.from({ length: 100 }, (_, j) => `f/${i + j}`);
      const answer = await client.subscribeAsync(filters, { qos: 1 }).catch(() => []);
      granted.push(...answer.map(({ qos }) => qos));
    }

    expect(granted.filter((qos) => qos === 1)).toHaveLength(1_000);
  });

  it('that never reads is cut off with a line, and the others get everything', async () => {
    const host = await hostOf({ packetBytesMax: 300_000 });
    const socket = connect(host.port, '127.0.0.1');
    const packets: string[] = [];
    const parser = mqttPacket.parser();
    parser.on('packet', ({ cmd }) => packets.push(cmd));
    socket.on('data', (bytes: Buffer) => parser.parse(bytes));
    socket.on('error', () => undefined);
    socket.write(
      mqttPacket.generate({ cmd: 'connect', clientId: 'deaf', clean: true, keepalive: 0 } as never),
    );
    await until(() => packets.length === 1);
    socket.write(
      mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] }),
    );
    await until(() => packets.length === 2);
    socket.pause();
    const viewer = await host.client();
    await viewer.client.subscribeAsync('a', { qos: 0 });
    const sensor = await host.client();

    for (let i = 0; i < 60; i++) await sensor.client.publishAsync('a', 'x'.repeat(250_000), { qos: 1 });
    await until(() => host.refused.length === 1);

    expect(host.refused).toEqual(['slow: client "deaf" takes no messages and was cut off']);
    await until(() => viewer.got.length === 60);
    socket.destroy();
  });
});
