import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { assert } from '../base/assert.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';
import { marksPerSourceMax } from './limits.ts';
import type { StoreCore } from './store-core.ts';

/** Packet id, hash, state: 16, 32 and 8 bits. */
const markBytes = 7;

/** One row per commit and source; rows beyond what a source can have in flight go. Inside a transaction. */
export function storeMarks(core: StoreCore, marks: readonly DeliveryMark[]): void {
  if (marks.length === 0) return;
  const bySource = new Map<string, DeliveryMark[]>();
  for (const mark of marks) {
    const list = bySource.get(mark.source);
    if (list === undefined) bySource.set(mark.source, [mark]);
    else list.push(mark);
  }
  for (const [source, list] of bySource) {
    const shelf = core.markShelf(source);
    const seq = shelf.next++;
    core.prepare('INSERT INTO marks VALUES (?, ?, ?, ?)').run(source, seq, list.length, encode(list));
    shelf.rows.push({ seq, count: list.length });
    shelf.marks += list.length;
    let last = -1;
    let gone = 0;
    for (const row of shelf.rows) {
      if (shelf.marks - row.count < marksPerSourceMax) break;
      shelf.marks -= row.count;
      last = row.seq;
      gone++;
    }
    if (gone === 0) continue;
    shelf.rows.splice(0, gone);
    core.prepare('DELETE FROM marks WHERE source = ? AND seq <= ?').run(source, last);
  }
}

/** The latest state of every packet id, oldest mark first. */
export function loadMarks(core: StoreCore, source: string): DeliveryMark[] {
  const latest = new Map<number, DeliveryMark>();
  const rows = core
    .prepare<{ marks: Uint8Array }>('SELECT marks FROM marks WHERE source = ? ORDER BY seq')
    .all(source);
  for (const { marks } of rows) {
    for (const mark of decode(source, marks)) {
      // Deleted first, so that the map's order is that of the last change.
      latest.delete(mark.packetId);
      latest.set(mark.packetId, mark);
    }
  }
  return [...latest.values()];
}

function encode(marks: readonly DeliveryMark[]): Uint8Array {
  const writer = new ByteWriter(marks.length * markBytes);
  for (const mark of marks) {
    assert(mark.packetId > 0 && mark.packetId <= 0xffff, 'a packet id is in 1 … 65,535');
    writer.uint8(mark.packetId & 0xff);
    writer.uint8(mark.packetId >>> 8);
    writer.uint32(mark.hash);
    writer.uint8(mark.state === 'seen' ? 0 : 1);
  }
  return writer.finish();
}

function decode(source: string, bytes: Uint8Array): DeliveryMark[] {
  const reader = new ByteReader(bytes);
  const marks: DeliveryMark[] = [];
  while (reader.remaining >= markBytes) {
    const low = reader.uint8();
    const packetId = low | (reader.uint8() << 8);
    const hash = reader.uint32();
    marks.push({ source, packetId, hash, state: reader.uint8() === 0 ? 'seen' : 'released' });
  }
  return marks;
}
