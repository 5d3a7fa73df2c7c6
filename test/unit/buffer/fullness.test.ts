import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoreSettings } from '#agent/buffer/settings.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig.dispose());

function open(whenFull: StoreSettings['whenFull']): void {
  rig.store.open({ ...smallSettings, whenFull, uplinks: [{ name: 'cloud', streams: ['*'] }] });
}

/** Appends until it is refused, or so many readings are in; upkeep in between. */
function fill(readings: number): 'refused' | 'taken' {
  for (let value = 0; value < readings; value += 5) {
    rig.tick(100);
    const values = Array.from({ length: 5 }, (_, i) => value + i);
    const entries = [entryOf('s', values, { textBytes: 800 })];
    const [outcome] = rig.store.commit([{ kind: 'append', entries }], rig.now).outcomes;
    if (outcome?.ok === false) return 'refused';
    for (let slices = 0; slices < 8 && rig.store.maintain(rig.now); slices++);
  }
  return 'taken';
}

function settle(count: number): void {
  const settlement = {
    uplink: 'cloud',
    stream: 's',
    first: 0,
    count,
    outcome: { kind: 'delivered' } as const,
  };
  rig.store.commit([{ kind: 'settle', settlement: { ...settlement, bytes: 0, day: 1 } }], rig.now);
}

test('a buffer that refuses says that it is full, with next to no room, and no more once it is drained', () => {
  open('block');
  expect(rig.store.stats().full).toBe(null);

  expect(fill(5_000)).toBe('refused');

  const { full, deviceFull, freeBytes, streams } = rig.store.stats();
  expect({ full, deviceFull }).toEqual({ full: 'block', deviceFull: false });
  expect(freeBytes / streams[0]!.bytes).toBeLessThan(0.05);
  settle(streams[0]!.head);
  expect(rig.store.stats()).toMatchObject({ full: null });
});

test('a device without room is named as what is full', () => {
  open('block');
  fill(50);
  rig.space.freeBytes = 0;

  expect(fill(5_000)).toBe('refused');

  expect(rig.store.stats()).toMatchObject({ full: 'block', deviceFull: true });
});

test.each(['drop_oldest', 'coarsen'] as const)('a buffer that has to %s says so from then on', (whenFull) => {
  open(whenFull);
  fill(100);
  expect(rig.store.stats().full).toBe(null);

  for (let more = 0; more < 8; more++) {
    fill(300);
    const { streams, full } = rig.store.stats();
    const gone = streams[0]!.tail > 0 || streams[0]!.rungs.some(({ fidelity }) => fidelity !== 'raw');
    if (gone) expect(full).toBe(whenFull);
  }

  expect(rig.store.stats().full).toBe(whenFull);
});
