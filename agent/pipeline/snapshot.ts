import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32c } from '../base/crc32c.ts';
import { stagesMax, stateBytesMax } from './limits.ts';

export interface Snapshot {
  readonly eventMicrosMax: number;
  /** Stages without state are named too, as they are since version 2. */
  readonly isWhole: boolean;
  /** Of every stage in order; null where there is none, or none was kept. */
  readonly states: readonly { readonly fingerprint: string; readonly state: Uint8Array | null }[];
}

const version = 2;
/** The state of a stage that keeps none. */
const none = new Uint8Array(0);

/** Layout in README.md. */
export function writeSnapshot(snapshot: Omit<Snapshot, 'isWhole'>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(
    snapshot.states.reduce(
      (sum, { fingerprint, state }) => sum + 3 * fingerprint.length + (state?.length ?? 0) + 16,
      32,
    ),
  );
  writer.uint8(version);
  writer.float64(snapshot.eventMicrosMax);
  writer.varint(snapshot.states.length);
  for (const { fingerprint, state } of snapshot.states) {
    writer.text(fingerprint);
    writer.bytes(state ?? none);
  }
  writer.uint32(crc32c(writer.written));
  return writer.finish();
}

/** Null for anything `writeSnapshot` did not write. */
export function readSnapshot(bytes: Uint8Array): Snapshot | null {
  if (bytes.length < 5 || bytes.length > stateBytesMax) return null;
  const body = bytes.subarray(0, bytes.length - 4);
  try {
    const reader = new ByteReader(body);
    const sum = new ByteReader(bytes.subarray(bytes.length - 4)).uint32();
    if (sum !== crc32c(body)) return null;
    const found = reader.uint8();
    if (found < 1 || found > version) return null;
    const eventMicrosMax = reader.float64();
    const states: { fingerprint: string; state: Uint8Array | null }[] = [];
    const count = reader.count(stagesMax, 'stages');
    for (let i = 0; i < count; i++) {
      const fingerprint = reader.text();
      const state = reader.bytes();
      states.push({ fingerprint, state: state.length === 0 ? null : state });
    }
    return reader.remaining === 0 ? { eventMicrosMax, isWhole: found === version, states } : null;
  } catch (error) {
    if (error instanceof MalformedBytes) return null;
    throw error;
  }
}
