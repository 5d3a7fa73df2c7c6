import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32c } from '../base/crc32c.ts';
import { stagesMax, stateBytesMax } from './limits.ts';

export interface Snapshot {
  readonly eventMicrosMax: number;
  readonly states: readonly { readonly fingerprint: string; readonly state: Uint8Array | null }[];
}

const version = 1;

/** Layout in README.md. */
export function writeSnapshot(snapshot: Snapshot): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(1024);
  writer.uint8(version);
  writer.float64(snapshot.eventMicrosMax);
  const kept = snapshot.states.filter(({ state }) => state !== null);
  writer.varint(kept.length);
  for (const { fingerprint, state } of kept) {
    writer.text(fingerprint);
    writer.bytes(state!);
  }
  writer.uint32(crc32c(writer.finish()));
  return writer.finish();
}

/** Null for anything `writeSnapshot` did not write. */
export function readSnapshot(bytes: Uint8Array): Snapshot | null {
  if (bytes.length < 5 || bytes.length > stateBytesMax) return null;
  const body = bytes.subarray(0, bytes.length - 4);
  try {
    const reader = new ByteReader(body);
    const sum = new ByteReader(bytes.subarray(bytes.length - 4)).uint32();
    if (sum !== crc32c(body) || reader.uint8() !== version) return null;
    const eventMicrosMax = reader.float64();
    const states: { fingerprint: string; state: Uint8Array }[] = [];
    const count = reader.count(stagesMax, 'stages');
    for (let i = 0; i < count; i++) states.push({ fingerprint: reader.text(), state: reader.bytes() });
    return reader.remaining === 0 ? { eventMicrosMax, states } : null;
  } catch (error) {
    if (error instanceof MalformedBytes) return null;
    throw error;
  }
}
