/**
 * Random entries that every machine draws alike from one 64-bit seed: SplitMix64 (Steele, Lea, Flood 2014), the counter
 * being the number of the draw, and nothing but additions, products and square roots on doubles, which IEEE 754 rounds in one way.
 */
export class SeededDraws {
  #state: bigint;
  readonly #word = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#word.buffer);

  /** `seed` is taken modulo 2^64. */
  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed);
  }

  #next(): void {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, BigInt.asUintN(64, z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, BigInt.asUintN(64, z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    this.#word[0] = BigInt.asUintN(64, z ^ (z >> 31n));
  }

  /** The upper half of the next draw, 0 … 2^32 - 1; `low` has the other half. */
  high(): number {
    this.#next();
    return this.#halves[1]!;
  }

  get low(): number {
    return this.#halves[0]!;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.high();
    return ((high >>> 5) * 0x400_0000 + (this.low >>> 6)) / 2 ** 53;
  }

  /** Normal with mean 0 and variance 1, by Marsaglia's polar method; one of each pair is used. */
  normal(): number {
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      // Four of five pairs lie in the circle.
      if (square < 1 && square > 0) return x * Math.sqrt((-2 * portableLog(square)) / square);
    }
  }
}

/** Natural logarithm of a normal double in (0, 1) to 10^-15, the same bits everywhere, which `Math.log` does not promise. */
export function portableLog(value: number): number {
  let significand = value;
  let exponent = 0;
  // 53-bit uniforms are at least 2^-106 when squared: the loop ends.
  while (significand < Math.SQRT1_2) {
    significand *= 2;
    exponent--;
  }
  const z = (significand - 1) / (significand + 1);
  const square = z * z;
  let sum = 0;
  for (let power = 21; power >= 1; power -= 2) sum = sum * square + 1 / power;
  return 2 * z * sum + exponent * Math.LN2;
}
