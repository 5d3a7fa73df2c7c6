import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AedesPersistence } from '#agent/host/mqtt-broker-persistence.ts';
import { noProperties } from '#agent/host/mqtt-broker-properties.ts';
import { BrokerSessions } from '#agent/host/mqtt-broker-sessions.ts';
import { brokerLimits } from '#agent/host/mqtt-limits.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Rig {
  readonly sessions: BrokerSessions;
  readonly persistence: AedesPersistence;
  readonly subscribe: (clientId: string, topic: string, qos?: 0 | 1 | 2) => Promise<void>;
  readonly publish: (topic: string, text: string, retain?: boolean) => void;
  readonly queue: (clientId: string) => Promise<string[]>;
}

const hour = 3_600_000;

async function rigOf(
  options: { file?: string; expiryMs?: number; queueMax?: number; nowMs?: number; wallMs?: number } = {},
): Promise<Rig> {
  const { file = null, expiryMs = hour, queueMax = 1_000, nowMs = 0, wallMs = 0 } = options;
  const sessions = new BrokerSessions({
    file,
    expiryMs,
    queueMax,
    userOf: () => null,
    admits: () => true,
    trouble: () => undefined,
  });
  await sessions.open(nowMs, wallMs);
  closers.push(() => sessions.close());
  const persistence = new AedesPersistence(sessions);
  await persistence.setup({ id: 'sedge', counter: 0 });
  let counter = sessions.state.lastCounter;
  return {
    sessions,
    persistence,
    subscribe: (id, topic, qos = 1) => persistence.addSubscriptions({ id }, [{ topic, qos }]),
    publish: (topic, text, retain = false) => {
      const message = {
        topic,
        payload: Buffer.from(text),
        qos: 1 as const,
        retain,
        properties: noProperties,
      };
      sessions.forward(message, ++counter, 'sensor');
    },
    queue: async (id) => {
      const packets = (await persistence.outgoingStream({ id }).toArray()) as { payload: Buffer }[];
      return packets.map(({ payload }) => payload.toString());
    },
  };
}

function fileOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-sessions-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'sessions');
}

describe('sessions of subscribers', () => {
  it('give up their oldest messages beyond their number, and say how many', async () => {
    const { subscribe, publish, queue, sessions } = await rigOf({ queueMax: 3 });
    await subscribe('v', 'a');
    for (let i = 0; i < 5; i++) publish('a', `${i}`);

    expect(await queue('v')).toEqual(['2', '3', '4']);
    expect([sessions.takeShed(), sessions.takeShed()]).toEqual([2, 0]);
  });

  it('give up their oldest messages beyond their bytes', async () => {
    const { subscribe, publish, queue } = await rigOf();
    await subscribe('v', 'a');
    const text = (i: number): string => `${i}`.padEnd(brokerLimits.sessionQueueBytes / 4, '.');
    for (let i = 0; i < 5; i++) publish('a', text(i));

    expect(await queue('v')).toEqual([2, 3, 4].map(text));
  });

  it('give up the oldest message of all beyond the bytes of all', async () => {
    const { subscribe, publish, queue, sessions } = await rigOf();
    for (let i = 0; i < 10; i++) await subscribe(`v${i}`, `${i}/+`);
    const part = 'x'.repeat(1_000_000);
    for (let round = 0; round < 3; round++) for (let i = 0; i < 10; i++) publish(`${i}/a`, `${round}${part}`);

    expect(sessions.state.messageBytes).toBeLessThanOrEqual(brokerLimits.queuesBytes);
    expect((await queue('v9')).map((text) => text[0])).toEqual(['1', '2']);
    expect((await queue('v0')).map((text) => text[0])).toEqual(['2']);
  });

  it('end when their client stayed away too long, counted over restarts', async () => {
    const file = fileOf();
    const before = await rigOf({ file, wallMs: 1_000_000 });
    for (const id of ['long', 'short']) await before.subscribe(id, 'a');
    before.sessions.left('long', { nowMs: 0, wallMs: 1_000_000, expiryMs: Infinity });
    before.sessions.left('short', { nowMs: 0, wallMs: 1_000_000, expiryMs: hour / 2 });
    await before.sessions.close();

    const { sessions } = await rigOf({ file, nowMs: 50, wallMs: 1_000_000 + hour / 4 });
    const at = (nowMs: number): string[] => {
      sessions.sweep(nowMs);
      return [...sessions.state.sessions.keys()];
    };

    expect(at(50 + hour / 4 - 1)).toEqual(['long', 'short']);
    expect(at(50 + hour / 4)).toEqual(['long']);
    expect(at(50 + hour * 0.75)).toEqual([]);
  });

  it('are not ended by a clock that was set back or lost', async () => {
    const file = fileOf();
    const before = await rigOf({ file });
    await before.subscribe('v', 'a');
    before.sessions.left('v', { nowMs: 0, wallMs: 50 * hour, expiryMs: Infinity });
    await before.sessions.close();

    const { sessions } = await rigOf({ file, wallMs: 0 });
    sessions.sweep(hour - 1);

    expect([...sessions.state.sessions.keys()]).toEqual(['v']);
  });

  it('get no more than the QoS they asked for, once for all their filters', async () => {
    const { persistence, subscribe, sessions } = await rigOf();
    await subscribe('v', 'a', 1);
    await subscribe('v', '+', 0);
    await subscribe('w', '#', 2);
    await subscribe('w', 'a', 1);
    const message = { topic: 'a', payload: Buffer.from('x'), qos: 2 as const, retain: false };
    sessions.forward({ ...message, properties: noProperties }, 1, 'sensor');

    const sent = await Promise.all(['v', 'w'].map((id) => persistence.outgoingStream({ id }).toArray()));

    expect(sent.map((list) => list.map((packet: { qos: number }) => packet.qos))).toEqual([[1], [2]]);
  });

  it('never use one packet id for two messages under way', async () => {
    const { persistence, subscribe, publish } = await rigOf();
    await subscribe('v', 'a');
    publish('a', 'x');
    publish('a', 'y');
    const packets = (await persistence.outgoingStream({ id: 'v' }).toArray()) as { messageId?: number }[];
    for (const packet of packets) {
      packet.messageId = 65_535;
      await persistence.outgoingUpdate({ id: 'v' }, packet as never);
    }

    expect(packets.map(({ messageId }) => messageId)).toEqual([65_535, 1]);
  });
});

describe('the last will of a client that was connected when the process died', () => {
  const will = { cmd: 'publish', topic: 'gone', payload: 'x', qos: 1 as const, retain: false };

  it('is due after a while, once, unless the client is back or said goodbye', async () => {
    const file = fileOf();
    const before = await rigOf({ file });
    for (const id of ['lost', 'back', 'bye'])
      await before.persistence.putWill({ id }, { ...will, topic: id });
    await before.persistence.delWill({ id: 'bye' });
    await before.sessions.close();

    const { sessions, persistence } = await rigOf({ file, nowMs: 10 });
    await persistence.putWill({ id: 'back' }, will);
    const due = brokerLimits.willGraceMs + 10;
    const topics = [due - 1, due, due + 1].map((nowMs) => sessions.sweep(nowMs).map(({ topic }) => topic));

    expect(topics).toEqual([[], ['lost'], []]);
  });
});
