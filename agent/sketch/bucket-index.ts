/** Above this scale a table would not pay: 2^11 boundaries are 16 KiB, shared by all histograms. */
const tableScaleMax = 11;

/**
 * The bucket of a magnitude at one scale: the integer i with base^i < magnitude <= base^(i+1), base = 2^(2^-scale). Up to
 * scale 11 the significand is looked up among the boundaries, which is exact to their rounding and the same on every
 * machine; above, by logarithm (OpenTelemetry data model, "Producer Expectations"), off by one bucket at most at a boundary.
 */
export class BucketIndex {
  readonly scale: number;
  readonly base: number;
  readonly #boundaries: Float64Array | null;
  readonly #guesses: Uint16Array | null;
  readonly #factor: number;
  /** 2^(1023 - i): what makes a significand in [1, 2) of a magnitude with the biased exponent i; exact. */
  readonly #powers = powers;
  readonly #value = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#value.buffer);

  constructor(scale: number) {
    this.scale = scale;
    this.base = 2 ** (2 ** -scale);
    this.#factor = 2 ** scale;
    const table = scale > 0 && scale <= tableScaleMax ? tableOf(scale) : null;
    this.#boundaries = table?.boundaries ?? null;
    this.#guesses = table?.guesses ?? null;
  }

  of(magnitude: number): number {
    this.#value[0] = magnitude;
    const high = this.#halves[1]!;
    const exponent = (high >>> 20) - 1023;
    if (exponent === -1023) return this.#ofSubnormal(magnitude);
    if (this.scale <= 0) {
      const isPower = (high & 0xfffff) === 0 && this.#halves[0] === 0;
      return (isPower ? exponent - 1 : exponent) >> -this.scale;
    }
    if (this.#boundaries === null) return this.#ofLogarithm(magnitude, exponent);
    const boundaries = this.#boundaries;
    const significand = magnitude * this.#powers[exponent + 1023]!;
    let bucket = this.#guesses![(high & 0xfffff) >>> (20 - this.scale)]!;
    while (significand > boundaries[bucket + 1]!) bucket++;
    return (exponent << this.scale) + (significand <= boundaries[bucket]! ? bucket - 1 : bucket);
  }

  #ofLogarithm(magnitude: number, exponent: number): number {
    const isPower = (this.#halves[1]! & 0xfffff) === 0 && this.#halves[0] === 0;
    if (isPower) return exponent * this.#factor - 1;
    return Math.ceil(Math.log2(magnitude) * this.#factor) - 1;
  }

  /** Below 2^-1022: counted with the least normal magnitude, as OpenTelemetry allows. */
  #ofSubnormal(magnitude: number): number {
    return magnitude === 0 ? 0 : this.of(2.2250738585072014e-308);
  }

  /** The value of a bucket that is relatively as far from its lower as from its upper boundary. */
  middle(index: number): number {
    const lower = this.boundary(index);
    const upper = this.boundary(index + 1);
    if (lower === 0) return upper / 2;
    return Number.isFinite(upper) ? (2 / (1 + this.base)) * upper : lower;
  }

  /** base^index. */
  boundary(index: number): number {
    const exponent = Math.floor(index / this.#factor);
    const fraction = index / this.#factor - exponent;
    return 2 ** exponent * 2 ** fraction;
  }
}

const powers = Float64Array.from({ length: 2047 }, (_, biased) => 2 ** (1023 - biased));

interface Table {
  /** 2^(j / 2^scale) for j of 0 … 2^scale. */
  readonly boundaries: Float64Array;
  /** By the upper bits of the significand: a bucket that is not above its own. */
  readonly guesses: Uint16Array;
}

const tables: (Table | undefined)[] = [];

/** Made when first needed; a pure function of the scale. */
function tableOf(scale: number): Table {
  const known = tables[scale];
  if (known !== undefined) return known;
  const length = 2 ** scale;
  const boundaries = Float64Array.from({ length: length + 1 }, (_, j) => 2 ** (j / length));
  const guesses = new Uint16Array(length);
  let bucket = 0;
  for (let j = 0; j < length; j++) {
    while (bucket + 1 < length && boundaries[bucket + 1]! <= 1 + j / length) bucket++;
    guesses[j] = bucket;
  }
  const table = { boundaries, guesses };
  tables[scale] = table;
  return table;
}
