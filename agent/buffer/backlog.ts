import { micros, type Micros } from '../base/units.ts';
import type { StreamBacklog } from '../ports/store.ts';
import { waiting } from './cursor.ts';
import { committedAt } from './eras.ts';
import { segmentFrom } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import { covered, storedBytes, type StreamState } from './stream-state.ts';

/** Where every stream stands for one uplink. */
export function backlogOf(core: StoreCore, uplink: string): StreamBacklog[] {
  const budget = core.memory.budgets.get(uplink);
  const backlogs: StreamBacklog[] = [];
  for (const stream of core.memory.streams.values()) {
    const cursor = stream.cursors.get(uplink);
    if (cursor === undefined || cursor.parked) continue;
    const rest = waiting(cursor, stream.head);
    const kept = covered(stream);
    backlogs.push({
      stream: stream.name,
      priority: stream.priority,
      base: cursor.base,
      head: stream.head,
      settled: cursor.settled,
      bytes: kept === 0 ? 0 : Math.round((storedBytes(stream) * rest) / kept),
      oldestMicros: rest === 0 ? null : oldestWaiting(core, stream, cursor.base),
      budgetBytes: budget?.bytes ?? 0,
      budgetDay: budget?.day ?? 0,
    });
  }
  return backlogs;
}

function oldestWaiting(core: StoreCore, stream: StreamState, base: number): Micros | null {
  const place = segmentFrom(core, stream, base);
  return place === null ? null : micros(committedAt(core.memory, place.row));
}
