import { assert } from '../base/assert.ts';
import type { DeliveryMark } from './journal-entry.ts';

/** Packet id (16 bits), hash (32 bits), state (8 bits), little-endian. */
export const markBytes = 7;

/** Marks of one source as they cross threads and stand in the database, {@link markBytes} each, oldest first. */
export interface MarkRun {
  readonly source: string;
  /** > 0. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** One run a source, in the order of their first marks. */
export function encodeMarks(marks: readonly DeliveryMark[]): MarkRun[] {
  const bySource = new Map<string, DeliveryMark[]>();
  for (const mark of marks) {
    const list = bySource.get(mark.source);
    if (list === undefined) bySource.set(mark.source, [mark]);
    else list.push(mark);
  }
  return Array.from(bySource, ([source, list]) => ({ source, count: list.length, bytes: encode(list) }));
}

/** Hands each mark of `bytes` to `take`. A torn last one is left out. */
export function eachMark(
  bytes: Uint8Array,
  take: (packetId: number, hash: number, state: DeliveryMark['state']) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + markBytes <= bytes.length; at += markBytes) {
    take(view.getUint16(at, true), view.getUint32(at + 2, true), bytes[at + 6] === 0 ? 'seen' : 'released');
  }
}

function encode(marks: readonly DeliveryMark[]): Uint8Array {
  const bytes = new Uint8Array(marks.length * markBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { packetId, hash, state } of marks) {
    assert(packetId > 0 && packetId <= 0xffff, 'a packet id is in 1 … 65,535');
    view.setUint16(at, packetId, true);
    view.setUint32(at + 2, hash, true);
    bytes[at + 6] = state === 'seen' ? 0 : 1;
    at += markBytes;
  }
  return bytes;
}
