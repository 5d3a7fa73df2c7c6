import { MiB } from '#agent/base/units.ts';
import { smallSettings, type StoreRig } from '#test/property/buffer/model/store-rig.ts';
import { askStore, figure } from './ask-store.ts';

/** Of a store whose one uplink takes stream `s`. */
export const keptSettings = {
  ...smallSettings,
  sizeBytes: 16 * MiB,
  uplinks: [{ name: 'cloud', streams: ['s'] }],
  seal: { readings: 100, bytes: 64 * 1024, ageMillis: 1_000 },
};

/** Readings of stream `s` that uplink `cloud` has taken. */
export function settle(rig: StoreRig, first: number, count: number): void {
  const outcome = { kind: 'delivered' } as const;
  const settlement = { uplink: 'cloud', stream: 's', first, count, bytes: 1, day: 1, outcome };
  rig.store.commit([{ kind: 'settle', settlement }], rig.now);
}

/** All upkeep that is due. */
export function seal(rig: StoreRig): void {
  while (rig.store.maintain(rig.now));
}

/** Of stream `s`, whose readings have their offsets as values; `between` happens in each pause of the query. */
export function countAndSum(
  rig: StoreRig,
  { between = () => {}, clauses = '' }: { between?: () => void; clauses?: string } = {},
): Record<'count' | 'sum' | 'lost', number> {
  const query = `count(), sum(v) of s ${clauses}`;
  const { rows, coverage } = askStore(rig.store, query, { now: rig.now, between });
  return { count: figure(rows[0]!, 0).value!, sum: figure(rows[0]!, 1).value!, lost: coverage.lost };
}

/** What {@link countAndSum} answers of the first so many readings. */
export function allOf(count: number): Record<'count' | 'sum' | 'lost', number> {
  return { count, sum: (count * (count - 1)) / 2, lost: 0 };
}
