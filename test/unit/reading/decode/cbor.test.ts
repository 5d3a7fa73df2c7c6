import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { parseCbor } from '#agent/reading/decode/cbor.ts';
import { decodeAll, refusalOf, valuesOf } from '../rows.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

describe('cbor', () => {
  // RFC 8949 appendix A.
  it.each([
    ['00', 0],
    ['1818', 24],
    ['1903e8', 1000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
    ['c249010000000000000000', 18_446_744_073_709_551_616n],
    ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
    ['c349010000000000000000', -18_446_744_073_709_551_617n],
    ['20', -1],
    ['3903e7', -1000],
    ['f90000', 0],
    ['f98000', -0],
    ['f93e00', 1.5],
    ['f97bff', 65_504],
    ['f90001', 5.960464477539063e-8],
    ['f90400', 0.00006103515625],
    ['f97c00', Infinity],
    ['f97e00', Number.NaN],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f6', null],
    ['c074323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
    ['c11a514b67b0', 1_363_896_240],
    ['64f0908591', '𐅑'],
    ['c48221196ab3', 273.15],
    ['83018202039f0405ff', [1, [2, 3], [4, 5]]],
    ['5f42010243030405ff', new Uint8Array([1, 2, 3, 4, 5])],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['a201020304', { 1: 2, 3: 4 }],
  ])('parses %s', (hex, value) => {
    expect(parseCbor(bytes(hex))).toEqual(value);
  });

  it('gives the same readings as the same JSON', () => {
    const payload = { ts: 1000, dev: 'm1', deep: { a: [1, 2], ok: true }, none: null, big: 2 ** 40 };
    const options = { time: 'ts', time_unit: 'ms', tags: ['dev'] } as const;
    expect(decodeAll({ format: 'cbor', ...options }, [encode(payload)])).toEqual(
      decodeAll({ format: 'json', ...options }, [JSON.stringify(payload)]),
    );
  });

  it('keeps byte strings as bytes, in a copy', () => {
    const payload = encode({ raw: new Uint8Array([1, 2, 3]) });
    const [row] = valuesOf({ format: 'cbor' }, payload);
    payload.fill(0);
    expect(row).toEqual({ raw: new Uint8Array([1, 2, 3]) });
  });

  it('takes a key named __proto__ as a name', () => {
    expect(decodeAll({ format: 'cbor' }, [bytes('a1695f5f70726f746f5f5f01')]).rows[0]!.values).toEqual(
      Object.assign(Object.create(null), { ['__proto__']: 1 }),
    );
  });

  it.each([
    ['18', 'syntax: CBOR: 1 bytes wanted, the payload ends at byte 1'],
    ['9bffffffffffffffff00', 'syntax: CBOR: a length of 18446744073709551615'],
    ['ff', 'a break outside of any item'],
    ['82ff01', 'a break where a value should be'],
    ['a1ff', 'the payload ends'],
    ['a2ff0101ff', 'a break where a key should be'],
    ['a1f400', 'a key that is neither text nor integer'],
    ['0000', 'more bytes after the item'],
    ['62c328', 'encoding: CBOR: the text at byte 1 is not UTF-8'],
    ['1c', 'a malformed length'],
    ['5f6161ff', 'a malformed chunk'],
    ['f0', 'an unknown simple value'],
    ['c201', 'a bignum that is no byte string'],
    [`${'81'.repeat(20)}00`, 'limit: the payload is nested deeper than 16'],
    ['c251' + '01'.repeat(17), 'limit: a bignum of 17 bytes'],
    [`9f${'40'.repeat(16_384)}ff`, 'limit: more than 16384 arrays, maps and byte strings'],
    ['c401', 'a malformed decimal fraction'],
  ])('refuses %.40s', (hex, refusal) => {
    expect(refusalOf({ format: 'cbor' }, bytes(hex))).toContain(refusal);
  });
});
