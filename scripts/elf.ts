import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** A program header of type PT_LOAD. */
interface Segment {
  readonly index: number;
  readonly flags: number;
  readonly address: number;
  readonly memoryBytes: number;
}

const writable = 2;
const pageBytesMax = 65_536;

/**
 * A read-only segment that begins in the page where a writable one ends makes the kernel map the tail of `.bss` read-only on
 * hosts with pages larger than the linker assumed (16 KiB on a Raspberry Pi 5): a crash waiting. Finds such pairs in a
 * 64-bit little-endian ELF file; with `repair` makes the second segment writable, which is correct because both hold the
 * same zeros there. Returns how many were found (after repair: how many were repaired).
 */
export function sharedWritablePages(path: string, options: { repair: boolean }): number {
  const file = openSync(path, options.repair ? 'r+' : 'r');
  try {
    const header = Buffer.alloc(64);
    readSync(file, header, 0, 64, 0);
    if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2)
      throw new Error(`${path} is not a 64-bit ELF file`);
    const tableOffset = Number(header.readBigUInt64LE(32));
    const entryBytes = header.readUInt16LE(54);
    const table = Buffer.alloc(entryBytes * header.readUInt16LE(56));
    readSync(file, table, 0, table.length, tableOffset);
    let found = 0;
    const segments = loadSegments(table, entryBytes);
    for (const [k, next] of segments.entries()) {
      const current = segments[k - 1];
      if (current === undefined || (current.flags & writable) === 0 || (next.flags & writable) !== 0)
        continue;
      if (Math.floor(next.address / pageBytesMax) * pageBytesMax >= current.address + current.memoryBytes)
        continue;
      found++;
      if (!options.repair) continue;
      const flags = Buffer.alloc(4);
      flags.writeUInt32LE(next.flags | writable);
      writeSync(file, flags, 0, 4, tableOffset + next.index * entryBytes + 4);
    }
    return found;
  } finally {
    closeSync(file);
  }
}

function loadSegments(table: Buffer, entryBytes: number): Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index * entryBytes < table.length; index++) {
    const at = index * entryBytes;
    if (table.readUInt32LE(at) !== 1) continue;
    segments.push({
      index,
      flags: table.readUInt32LE(at + 4),
      address: Number(table.readBigUInt64LE(at + 16)),
      memoryBytes: Number(table.readBigUInt64LE(at + 40)),
    });
  }
  return segments;
}
