import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DiskRequest } from '#agent/buffer/disk-protocol.ts';
import { DiskService, ObservationLog } from '#agent/buffer/disk-service.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import type { Settlement } from '#agent/ports/store.ts';
import { entryOf, readAll, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const settings = { ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] };

let rig: StoreRig;
let service: DiskService;
let ids = 0;
beforeEach(() => {
  rig = new StoreRig();
  const log = new ObservationLog();
  service = new DiskService({
    store: rig.store,
    events: new BufferEvents(log),
    log,
    now: () => rig.now,
  });
  ask({ call: 'open', ask: settings });
});
afterEach(() => rig.dispose());

/** One turn for one request; what it was answered, and under which number it was asked. */
function ask(call: { call: DiskRequest['call']; ask: unknown; again?: number }): {
  id: number;
  answer: unknown;
} {
  const id = ++ids;
  service.take({ id, ...call } as DiskRequest);
  const found = service.turn().report.answers.find((answer) => answer.id === id);
  return { id, answer: found?.ok === true ? found.answer : undefined };
}

const append = (values: readonly number[], again?: number) =>
  ask({ call: 'append', ask: [entryOf('s', values)], ...(again === undefined ? {} : { again }) });

const settlement: Settlement = {
  uplink: 'cloud',
  stream: 's',
  first: 0,
  count: 1,
  outcome: { kind: 'delivered' },
  bytes: 100,
  day: 1,
};

/** Statements an append of one reading takes, the commit the last of them. */
function statementsOfAppend(): number {
  append([0]);
  rig.faults.set({ kind: 'io', atStatement: Infinity, afterwards: true });
  rig.store.commit([{ kind: 'append', entries: [entryOf('s', [1])] }], rig.now);
  return rig.faults.statements;
}

test('an append whose sync failed, on a device that fails for a while longer, is stored once, whatever fails when', () => {
  const statements = statementsOfAppend();
  const stored = [0, 1];
  let doubted = 0;
  for (let atStatement = 1; atStatement <= statements + 4; atStatement++) {
    for (const lasting of [1, 2, 3, 6, 12, 40]) {
      for (const afterwards of [true, false]) {
        const value = stored.length;
        rig.faults.set({ kind: 'io', atStatement, afterwards, lasting });
        let { id, answer } = append([value]);
        if (rig.faults.struck && lasting > 2) doubted++;
        for (let tries = 0; !(answer as { ok: boolean }).ok; tries++) {
          if (tries === 3) rig.faults.set(null);
          expect(tries).toBeLessThan(6);
          ({ id, answer } = append([value], id));
        }
        rig.faults.set(null);
        stored.push(value);

        expect([...readAll(rig.store, 's').values()], `at ${atStatement} for ${lasting}`).toEqual(stored);
      }
    }
  }
  expect(doubted).toBeGreaterThan(0);
  expect(rig.store.ledger().balanced).toBe(true);
});

test('an append in doubt is answered ok without being stored again, and its stream is announced', () => {
  const atStatement = statementsOfAppend();
  rig.faults.set({ kind: 'io', atStatement, afterwards: true, lasting: 10 });
  const first = append([2]);
  rig.faults.set(null);

  service.take({ id: 1_000, call: 'append', ask: [entryOf('s', [2])], again: first.id });
  const { report } = service.turn();

  expect(first.answer).toMatchObject({ ok: false, trouble: 'io' });
  expect(report.answers).toEqual([{ id: 1_000, ok: true, answer: { ok: true } }]);
  expect(report.grown).toEqual(['s']);
  expect([...readAll(rig.store, 's').values()]).toEqual([0, 1, 2]);
});

test('a settlement in doubt is charged once', () => {
  const charged = (): number => rig.store.backlog('cloud')[0]!.budgetBytes;
  append([0]);
  append([1]);
  ask({ call: 'settle', ask: settlement });
  const before = charged();
  for (let atStatement = 1; atStatement < 12; atStatement++) {
    // Settled already: nothing but the budget tells whether the commit stands.
    rig.faults.set({ kind: 'io', atStatement, afterwards: true, lasting: 8 });
    ask({ call: 'settle', ask: settlement });
    rig.faults.set(null);
    rig.tick(500);
    service.turn();

    expect(charged(), `fault at statement ${atStatement}`).toBe(before + 100 * atStatement);
  }
});
