/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), slicing by eight. `crc32c(bytes)` of "123456789" is 0xe3069283.
 * A running value is passed as `seed` to continue over several pieces.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const t = tables;
  let crc = ~seed;
  let i = 0;
  const end = bytes.length;
  for (const stop = end - 7; i < stop; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      t[1792 + (low & 255)]! ^
      t[1536 + ((low >>> 8) & 255)]! ^
      t[1280 + ((low >>> 16) & 255)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (; i < end; i++) crc = t[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Eight tables of 256 entries; pure data computed from the polynomial. */
const tables: Int32Array = buildTables();

function buildTables(): Int32Array {
  const table = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
    table[n] = c;
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let n = 0; n < 256; n++) {
      const previous = table[(slice - 1) * 256 + n]!;
      table[slice * 256 + n] = table[previous & 255]! ^ (previous >>> 8);
    }
  }
  return table;
}
