import { dropSegment } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { Place, StreamState } from './stream-state.ts';

/** Longest bytes kept of what is damaged: enough to study, not enough to fill the buffer with ruins. */
const quarantineBytesMax = 65_536;
const quarantineRowsMax = 256;

/**
 * Sets a damaged segment aside: its bytes go to quarantine, its readings are accounted as dropped by rule `damaged`, and every cursor
 * skips them. Inside a transaction.
 */
export function quarantine(core: StoreCore, stream: StreamState, place: Place, reason: string): void {
  const { first, count } = place.row;
  const source =
    place.kind === 'journal'
      ? core.prepare<{ bytes: Uint8Array }>('SELECT substr(row, 1, ?) AS bytes FROM journal WHERE seq = ?')
      : core.prepare<{ bytes: Uint8Array }>('SELECT substr(bytes, 1, ?) AS bytes FROM payloads WHERE id = ?');
  const key = place.kind === 'journal' ? place.row.seq : place.row.payload;
  const bytes = source.get(quarantineBytesMax, key)?.bytes ?? null;
  core
    .prepare(
      'INSERT INTO quarantine (stream, first, count, kind, reason, wall, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(stream.id, first, count, place.kind, reason, place.row.wallMicros, bytes);
  core
    .prepare('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?')
    .run(quarantineRowsMax);
  dropSegment(core, stream, place, 'damaged');
  core.events.quarantined(stream.name, { first, count, reason });
}
