/**
 * MurmurHash3_x64_128 (Austin Appleby, public domain), since the sketches of other systems are built on it. The compiler
 * turns `BigInt.asUintN(64, …)` into plain 64-bit arithmetic: four times as fast as halves of 32 bits. Everything stays in
 * one function each, because a BigInt that crosses a call is allocated. `out` gets h1 and h2.
 */

const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;
const f1 = 0xff51afd7ed558ccdn;
const f2 = 0xc4ceb9fe1a85ec53n;

/** The hash of the word in `words[0]`, as eight bytes. */
export function murmur3Word(words: BigUint64Array, seed: bigint, out: BigUint64Array): void {
  let k1 = BigInt.asUintN(64, words[0]! * c1);
  k1 = BigInt.asUintN(64, BigInt.asUintN(64, k1 << 31n) | (k1 >> 33n));
  k1 = BigInt.asUintN(64, k1 * c2);
  out[0] = BigInt.asUintN(64, seed ^ k1);
  out[1] = seed;
  finish(out, 8n);
}

/** The hashes of the first `count` words, each as eight bytes: h1 and h2 of word i at 2 i. */
export function murmur3EachWord(
  words: BigUint64Array,
  { count, seed, out }: { readonly count: number; readonly seed: bigint; readonly out: BigUint64Array },
): void {
  // The length, 8, goes into both halves; of the second one nothing else does.
  const both = BigInt.asUintN(64, seed ^ 8n);
  for (let i = 0; i < count; i++) {
    let k1 = BigInt.asUintN(64, words[i]! * c1);
    k1 = BigInt.asUintN(64, BigInt.asUintN(64, k1 << 31n) | (k1 >> 33n));
    let h1 = BigInt.asUintN(64, both ^ BigInt.asUintN(64, k1 * c2));
    let h2 = both;
    h1 = BigInt.asUintN(64, h1 + h2);
    h2 = BigInt.asUintN(64, h2 + h1);
    h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
    h1 = BigInt.asUintN(64, h1 * f1);
    h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
    h1 = BigInt.asUintN(64, h1 * f2);
    h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
    h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
    h2 = BigInt.asUintN(64, h2 * f1);
    h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
    h2 = BigInt.asUintN(64, h2 * f2);
    h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
    h1 = BigInt.asUintN(64, h1 + h2);
    out[2 * i] = h1;
    out[2 * i + 1] = BigInt.asUintN(64, h2 + h1);
  }
}

/** The hash of the first `length` bytes of `words`, little-endian; the bytes of the last word beyond it are zero. */
export function murmur3Words(words: BigUint64Array, length: number, seed: bigint, out: BigUint64Array): void {
  let h1 = seed;
  let h2 = seed;
  const whole = length >>> 4;
  for (let i = 0; i < whole; i++) {
    let k1 = BigInt.asUintN(64, words[2 * i]! * c1);
    k1 = BigInt.asUintN(64, BigInt.asUintN(64, k1 << 31n) | (k1 >> 33n));
    h1 = BigInt.asUintN(64, h1 ^ BigInt.asUintN(64, k1 * c2));
    h1 = BigInt.asUintN(64, BigInt.asUintN(64, h1 << 27n) | (h1 >> 37n));
    h1 = BigInt.asUintN(64, h1 + h2);
    h1 = BigInt.asUintN(64, BigInt.asUintN(64, h1 * 5n) + 0x52dce729n);
    let k2 = BigInt.asUintN(64, words[2 * i + 1]! * c2);
    k2 = BigInt.asUintN(64, BigInt.asUintN(64, k2 << 33n) | (k2 >> 31n));
    h2 = BigInt.asUintN(64, h2 ^ BigInt.asUintN(64, k2 * c1));
    h2 = BigInt.asUintN(64, BigInt.asUintN(64, h2 << 31n) | (h2 >> 33n));
    h2 = BigInt.asUintN(64, h2 + h1);
    h2 = BigInt.asUintN(64, BigInt.asUintN(64, h2 * 5n) + 0x38495ab5n);
  }
  const rest = length & 15;
  if (rest > 8) {
    let k2 = BigInt.asUintN(64, words[2 * whole + 1]! * c2);
    k2 = BigInt.asUintN(64, BigInt.asUintN(64, k2 << 33n) | (k2 >> 31n));
    h2 = BigInt.asUintN(64, h2 ^ BigInt.asUintN(64, k2 * c1));
  }
  if (rest > 0) {
    let k1 = BigInt.asUintN(64, words[2 * whole]! * c1);
    k1 = BigInt.asUintN(64, BigInt.asUintN(64, k1 << 31n) | (k1 >> 33n));
    h1 = BigInt.asUintN(64, h1 ^ BigInt.asUintN(64, k1 * c2));
  }
  out[0] = h1;
  out[1] = h2;
  finish(out, BigInt(length));
}

/** The final mixing of both halves. */
function finish(out: BigUint64Array, length: bigint): void {
  let h1 = BigInt.asUintN(64, out[0]! ^ length);
  let h2 = BigInt.asUintN(64, out[1]! ^ length);
  h1 = BigInt.asUintN(64, h1 + h2);
  h2 = BigInt.asUintN(64, h2 + h1);
  h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
  h1 = BigInt.asUintN(64, h1 * f1);
  h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
  h1 = BigInt.asUintN(64, h1 * f2);
  h1 = BigInt.asUintN(64, h1 ^ (h1 >> 33n));
  h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
  h2 = BigInt.asUintN(64, h2 * f1);
  h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
  h2 = BigInt.asUintN(64, h2 * f2);
  h2 = BigInt.asUintN(64, h2 ^ (h2 >> 33n));
  h1 = BigInt.asUintN(64, h1 + h2);
  h2 = BigInt.asUintN(64, h2 + h1);
  out[0] = h1;
  out[1] = h2;
}
