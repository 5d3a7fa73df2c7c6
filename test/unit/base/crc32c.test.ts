import { describe, expect, it } from 'vitest';
import { crc32c } from '#agent/base/crc32c.ts';

describe('crc32c', () => {
  it('gives the check value of the catalogue', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('gives the vectors of RFC 3720 appendix B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  it('continues over pieces cut anywhere', () => {
    const bytes = Uint8Array.from({ length: 67 }, (_, i) => (i * 37) & 255);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }
  });
});
