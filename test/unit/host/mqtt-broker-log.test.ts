import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerLog } from '#agent/host/mqtt-broker-log.ts';
import { noProperties } from '#agent/host/mqtt-broker-properties.ts';
import { type SessionRecord, decodeRecord, encodeRecord } from '#agent/host/mqtt-broker-records.ts';
import { SessionState } from '#agent/host/mqtt-broker-state.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-log-'));
  folders.push(folder);
  return folder;
}

/** A state with its log, as the broker has them. */
function rigOf(file: string): {
  state: SessionState;
  log: BrokerLog;
  troubles: (string | null)[];
  keep: (record: SessionRecord) => void;
  saved: () => Promise<void>;
} {
  const state = new SessionState();
  const troubles: (string | null)[] = [];
  const log = new BrokerLog({
    file,
    snapshot: () => [...state.snapshot()].map(encodeRecord).values(),
    trouble: (message) => troubles.push(message),
  });
  return {
    state,
    log,
    troubles,
    keep: (record) => {
      state.apply(record);
      log.append(encodeRecord(record));
    },
    saved: () => new Promise((resolve) => log.whenSaved(log.position, resolve)),
  };
}

async function loaded(file: string): Promise<{ state: SessionState; droppedBytes: number }> {
  const { state, log } = rigOf(file);
  const { droppedBytes } = await log.load((record) => state.apply(decodeRecord(record)));
  state.sort();
  await log.close();
  return { state, droppedBytes };
}

const bytes = fc.uint8Array({ maxLength: 12 });
const number = fc.integer({ min: 1, max: 4 });
const counter = fc.integer({ min: 1, max: 12 });
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);
const filter = fc.constantFrom('a', 'a/#', '+');
const properties = fc.oneof(
  fc.constant(noProperties),
  fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 5 }), expiresMs: fc.nat() }),
);
const record: fc.Arbitrary<SessionRecord> = fc.oneof(
  number.chain((one) =>
    fc.record({
      kind: fc.constant('session' as const),
      number: fc.constant(one),
      clientId: fc.constant(`c${one}`),
      owner: fc.constantFrom(null, '', 'u'),
      leftMs: fc.nat(),
      expiryMs: fc.nat(),
    }),
  ),
  fc.record({ kind: fc.constant('end' as const), number }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    number,
    filter,
    subscription: fc.record({
      qos,
      rh: fc.integer({ min: 0, max: 2 }),
      rap: fc.boolean(),
      nl: fc.boolean(),
      identifier: fc.nat(),
    }),
  }),
  fc.record({ kind: fc.constant('unsubscribe' as const), number, filter }),
  fc.record({
    kind: fc.constant('message' as const),
    counter,
    topic: filter,
    payload: bytes,
    properties,
    recipients: fc.uniqueArray(fc.tuple(number, qos), { selector: ([one]) => one, maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('sent' as const),
    number,
    counter,
    packetId: fc.integer({ min: 1, max: 65_535 }),
    released: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('done' as const), number, counter }),
  fc.record({ kind: fc.constant('retained' as const), topic: filter, qos, payload: bytes, properties }),
  fc.record({
    kind: fc.constant('will' as const),
    clientId: fc.constantFrom('c1', 'c2'),
    topic: filter,
    qos,
    retain: fc.boolean(),
    payload: bytes,
  }),
  fc.record({ kind: fc.constant('willGone' as const), clientId: fc.constantFrom('c1', 'c2') }),
);

/** What a state says, in an order of its own; and its sums, which must be those of its parts. */
function said(state: SessionState): unknown {
  const records = [...state.snapshot()].map((one) => Buffer.from(encodeRecord(one)).toString('hex'));
  const { messageBytes, retainedBytes, subscriptionBytes } = state;
  const queues = [...state.sessions.values()].map(({ clientId, queuedBytes, queue }) => {
    const counters = [...queue.keys()].toSorted((one, other) => one - other);
    return `${clientId} ${queuedBytes} ${counters.join(' ')}`;
  });
  return {
    records: records.toSorted(),
    messageBytes,
    retainedBytes,
    subscriptionBytes,
    queues: queues.toSorted(),
    size: state.tree.size,
  };
}

describe('what the broker remembers', () => {
  it('is encoded and decoded without a change', () => {
    fc.assert(
      fc.property(record, (one) => {
        const again = decodeRecord(encodeRecord(one));
        expect(Buffer.from(encodeRecord(again))).toEqual(Buffer.from(encodeRecord(one)));
        expect(JSON.stringify(again)).toBe(JSON.stringify(one));
      }),
    );
  });

  it('is rebuilt from its records, from its snapshot, and from a snapshot with records in between', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 40 }),
        fc.array(record, { maxLength: 10 }),
        (before, during) => {
          const state = new SessionState();
          for (const one of before) state.apply(one);
          const log: SessionRecord[] = [];
          const changes = [...during];
          for (const one of state.snapshot()) {
            log.push(one);
            const change = changes.shift();
            if (change === undefined) continue;
            state.apply(change);
            log.push(change);
          }
          const rebuilt = new SessionState();
          for (const one of log) rebuilt.apply(one);
          expect(said(rebuilt)).toEqual(said(state));
        },
      ),
    );
  });

  it('survives a crash up to the last record that is whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 15 }), fc.nat(400), async (list, cut) => {
        const file = join(folderOf(), 'sessions');
        const rig = rigOf(file);
        for (const one of list) {
          rig.keep(one);
          await rig.saved();
        }
        await rig.log.close();
        const whole = readFileSync(file).length;
        truncateSync(file, Math.max(8, whole - cut));

        const { state } = await loaded(file);
        const again = await loaded(file);

        expect(said(again.state)).toEqual(said(state));
        expect(again.droppedBytes).toBe(0);
        if (cut === 0) expect(said(state)).toEqual(said(rig.state));
      }),
      { numRuns: 15 },
    );
  });
});

describe('a file that is no log', () => {
  it('is put aside under another name before one is begun', async () => {
    const file = join(folderOf(), 'sessions');
    writeFileSync(file, 'something else altogether');

    const { droppedBytes } = await loaded(file);

    expect(droppedBytes).toBe(25);
    expect(readFileSync(`${file}.damaged`, 'utf8')).toBe('something else altogether');
  });
});

describe('a log that cannot be written', () => {
  it('keeps nobody waiting, says so, and has everything once it can be', async () => {
    const folder = join(folderOf(), 'later');
    const file = join(folder, 'sessions');
    const { log, keep, saved, troubles, state } = rigOf(file);
    const session = { number: 1, clientId: 'c', owner: null, leftMs: 0, expiryMs: 0 };

    keep({ kind: 'session', ...session });
    await saved();
    expect(troubles).toEqual([expect.stringContaining('ENOENT')]);
    keep({ kind: 'session', ...session, number: 2, clientId: 'd' });
    await saved();
    mkdirSync(folder);
    while (troubles.length < 2) await new Promise((resolve) => setImmediate(resolve));
    keep({ kind: 'session', ...session, number: 3, clientId: 'e' });
    await log.close();

    expect(troubles[1]).toBeNull();
    expect(said((await loaded(file)).state)).toEqual(said(state));
  });
});
