import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DiskRequest } from '#agent/buffer/disk-protocol.ts';
import { DiskService, ObservationLog, type Turn } from '#agent/buffer/disk-service.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { settleRetriesMax } from '#agent/buffer/limits.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
let service: DiskService;
beforeEach(() => {
  rig = new StoreRig();
  const log = new ObservationLog();
  service = new DiskService({
    store: rig.store,
    events: new BufferEvents(log),
    log,
    now: () => rig.now,
  });
  ask(1, 'open', { ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] });
  ask(2, 'append', [entryOf('s', [0, 1])]);
});
afterEach(() => rig.dispose());

function ask(id: number, call: DiskRequest['call'], what: unknown): Turn {
  service.take({ id, call, ask: what } as DiskRequest);
  return service.turn();
}

const settle = (id: number): Turn =>
  ask(id, 'settle', {
    uplink: 'cloud',
    stream: 's',
    first: 0,
    count: 1,
    outcome: { kind: 'delivered' },
    bytes: 0,
    day: 1,
  });

function failing(kind: 'io' | 'full'): void {
  rig.faults.set({ kind, atStatement: 1, afterwards: false, lasting: Infinity });
}

const answered = (turn: Turn): unknown[] => turn.report.answers.map(({ id, ok }) => [id, ok]);

test('a settlement on a failing disk waits its pause, however many turns upkeep takes meanwhile', () => {
  failing('io');
  const first = settle(3);
  const meanwhile = Array.from({ length: 2 * settleRetriesMax }, () => service.turn());
  rig.faults.set(null);
  rig.tick(499);
  const early = service.turn();
  rig.tick(1);
  const due = service.turn();

  expect(first.retryMillis).toBe(500);
  expect(meanwhile.flatMap(answered)).toEqual([]);
  expect([early.retryMillis, answered(early)]).toEqual([1, []]);
  expect([due.retryMillis, answered(due)]).toEqual([null, [[3, true]]]);
});

test('what comes while a settlement waits neither waits with it nor costs it a try', () => {
  failing('io');
  settle(3);
  rig.faults.set(null);

  const turn = ask(4, 'append', [entryOf('s', [2])]);

  expect(answered(turn)).toEqual([[4, true]]);
  expect(turn.again || turn.retryMillis === 500).toBe(true);
});

test('a settlement that is tried again stands in a transaction of its own, so that it may have the reserve', () => {
  failing('full');
  settle(3);
  rig.faults.set(null);
  rig.tick(500);
  const committed: unknown[] = [];
  const commit = rig.store.commit.bind(rig.store);
  rig.store.commit = (requests, now) => {
    committed.push(requests.map(({ kind }) => kind));
    return commit(requests, now);
  };

  const turns = [ask(4, 'append', [entryOf('s', [2])]), service.turn()];

  expect(committed).toEqual([['settle'], ['append']]);
  expect(turns.map(answered)).toEqual([[[3, true]], [[4, true]]]);
});

test('its uplink is told when the tries of ten minutes are used up', () => {
  failing('io');
  settle(3);
  const answers: unknown[] = [];
  for (let tries = 1; tries <= settleRetriesMax; tries++) {
    expect(answers).toEqual([]);
    rig.tick(500);
    answers.push(...answered(service.turn()));
  }

  expect(answers).toEqual([[3, false]]);
});

test('a store that is closed tries what waits once more, and answers it either way', () => {
  failing('io');
  settle(3);
  rig.faults.set(null);

  const turn = ask(4, 'close', null);

  expect(answered(turn)).toEqual([
    [3, true],
    [4, true],
  ]);
});
