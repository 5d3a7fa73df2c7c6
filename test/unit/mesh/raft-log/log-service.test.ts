import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { limits } from '#agent/mesh/raft-log/limits.ts';
import { LogService } from '#agent/mesh/raft-log/log-service.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogOrder } from '#agent/mesh/raft-log/port.ts';
import type { LogNews } from '#agent/mesh/raft-log/protocol.ts';
import { SimulatedLogDevice } from '#test/simulation/raft-log/simulated-log-device.ts';
import { run, state } from './storage-compliance.ts';

class Bench {
  readonly device = new SimulatedLogDevice(new Prng(1));
  nowMs = 0;
  readonly service = new LogService({ store: new LogStore(this.device), now: () => this.nowMs });
  life = 0;

  constructor() {
    this.service.take({ kind: 'start' });
    this.turn();
  }

  turn(): readonly LogNews[] {
    const { news } = this.service.turn();
    for (const item of news) if (item.kind === 'ready') this.life = item.life;
    return news;
  }

  take(order: LogOrder, life = this.life): void {
    this.service.take({ kind: 'order', life, order });
  }

  append(id: number, life = this.life): void {
    const hardState = state(1, 0, 0);
    this.take({ kind: 'append', id, hardState, entries: run(id, id, 1), snapshot: null }, life);
  }
}

test('what waits shares one transaction, within the bound of a group', () => {
  const bench = new Bench();
  for (let id = 1; id <= limits.groupOrdersMax + 10; id++) bench.append(id);
  const groups = [bench.turn(), bench.turn()].map(([news]) =>
    news?.kind === 'written' ? news.ids.length : 0,
  );
  expect(groups).toEqual([limits.groupOrdersMax, 10]);
});

test('orders of a life that has ended are dropped, also those that come late', () => {
  const bench = new Bench();
  const before = bench.life;
  bench.device.faults.full = true;
  bench.append(1);
  expect(bench.turn()).toMatchObject([{ kind: 'lost', trouble: 'full' }]);
  bench.device.faults.full = false;
  bench.append(2, before);
  bench.nowMs += limits.probePauseMsMax;
  expect(bench.turn()).toMatchObject([{ kind: 'ready', image: { entries: [] } }]);
  expect(bench.turn()).toEqual([]);
});

test('a disk that stays away is tried ever less often, and a write that succeeds starts anew', () => {
  const bench = new Bench();
  bench.device.faults.full = true;
  bench.append(1);
  bench.turn();
  const pauses: number[] = [];
  for (let tries = 0; tries < 7; tries++) {
    const { waitMs } = bench.service.turn();
    pauses.push(waitMs!);
    bench.nowMs += waitMs!;
    bench.turn();
  }
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  bench.device.faults.full = false;
  bench.nowMs += 8_000;
  bench.turn();
  bench.append(1);
  bench.turn();
  bench.device.faults.full = true;
  bench.append(2);
  bench.turn();
  expect(bench.service.turn().waitMs).toBe(500);
});

test('stop carries out all that was submitted, however many turns it takes', () => {
  const bench = new Bench();
  for (let id = 1; id <= limits.groupOrdersMax + 10; id++) bench.append(id);
  bench.service.take({ kind: 'stop' });
  expect(bench.turn().map(({ kind }) => kind)).toEqual(['written']);
  expect(bench.turn().map(({ kind }) => kind)).toEqual(['written', 'stopped']);
  expect(bench.device.open(1).lastIndex()).toBe(limits.groupOrdersMax + 10);
});

test('stop does not wait for a disk that is away', () => {
  const bench = new Bench();
  bench.device.faults.full = true;
  bench.append(1);
  bench.turn();
  bench.service.take({ kind: 'stop' });
  expect(bench.turn().map(({ kind }) => kind)).toEqual(['stopped']);
  expect(bench.service.turn().waitMs).toBeNull();
});
