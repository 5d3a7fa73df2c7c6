import { afterEach, beforeEach, expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import type { DiskRequest } from '#agent/buffer/disk-protocol.ts';
import { DiskService, ObservationLog } from '#agent/buffer/disk-service.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { parseQuery } from '#agent/query/parse.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
let service: DiskService;
beforeEach(() => {
  rig = new StoreRig();
  const log = new ObservationLog();
  service = new DiskService({ store: rig.store, events: new BufferEvents(log), log, now: () => rig.now });
  take({ id: 1, call: 'open', ask: { ...smallSettings, uplinks: [] } });
  service.turn();
});
afterEach(() => rig.dispose());

function take(request: object): void {
  service.take(request as DiskRequest);
}

const idsOf = ({ report }: { report: { answers: readonly { id: number }[] } }): number[] =>
  report.answers.map(({ id }) => id);

test('what was committed is answered before anything is done for a query', () => {
  take({ id: 2, call: 'append', ask: [entryOf('s', [1, 2, 3])] });
  take({ id: 3, call: 'query', ask: parseQuery('count() of s', micros(rig.now.wallMicros)) });

  expect(idsOf(service.turn())).toEqual([2]);
  let found: number[] = [];
  for (let turns = 0; found.length === 0 && turns < 100; turns++) {
    const later = service.upkeep();
    found = idsOf(later);
    if (found.length === 0) expect(later.again).toBe(true);
    if (found.length === 0) service.turn();
  }
  expect(found).toEqual([3]);
});
