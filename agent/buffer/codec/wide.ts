import { MalformedBytes } from '../../base/byte-reader.ts';

/** A bigint from what `toString(16)` said; linear in its length. @throws {MalformedBytes} */
export function wideFromHex(digits: string): bigint {
  const negative = digits.startsWith('-');
  const magnitude = negative ? digits.slice(1) : digits;
  if (!/^[0-9a-f]+$/.test(magnitude)) throw new MalformedBytes('bigint is not hexadecimal');
  const value = BigInt(`0x${magnitude}`);
  return negative ? -value : value;
}
