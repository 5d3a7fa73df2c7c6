/** Above this scale a table would not pay: the cells of 2^11 buckets are 40 KiB, shared by all histograms. */
const tableScaleMax = 11;

/**
 * The bucket of a magnitude at one scale: the integer i with base^i < magnitude <= base^(i+1), base = 2^(2^-scale). Up to
 * scale 11 the significand is looked up among the boundaries, which is exact to their rounding and the same on every
 * machine; above, what is left of it by a series for the logarithm, off by one bucket at most at a boundary (OpenTelemetry data
 * model, "Producer Expectations").
 */
export class BucketIndex {
  readonly scale: number;
  readonly base: number;
  /** Null for a scale of whole powers of two. */
  readonly #table: Table | null;
  readonly #tableScale: number;
  readonly #factor: number;
  /** 2^(1023 - i): what makes a significand in [1, 2) of a magnitude with the biased exponent i; exact. */
  readonly #powers = powers;
  readonly #value = magnitudes;
  readonly #halves = halves;

  constructor(scale: number) {
    this.scale = scale;
    this.base = 2 ** (2 ** -scale);
    this.#factor = 2 ** scale;
    this.#tableScale = Math.min(scale, tableScaleMax);
    this.#table = scale > 0 ? tableOf(this.#tableScale) : null;
  }

  of(magnitude: number): number {
    this.#value[0] = magnitude;
    const high = this.#halves[1]!;
    const biased = high >>> 20;
    if (biased === 0) return this.#ofSubnormal(magnitude);
    const table = this.#table;
    if (table === null) return this.#ofWholePowers(high, biased);
    const scale = this.#tableScale;
    const cell = (high & 0xfffff) >>> (19 - scale);
    const significand = magnitude * this.#powers[biased]!;
    // Added, not decided on: which side of its boundary a value lies is what no processor can foresee.
    const bucket = table.below[cell]! + Number(significand > table.bounds[cell]!);
    const index = ((biased - 1023) << scale) + bucket;
    return this.scale === scale ? index : this.#finer(index, significand / table.lower[bucket + 1]!);
  }

  #ofWholePowers(high: number, biased: number): number {
    const isPower = (high & 0xfffff) === 0 && this.#halves[0] === 0;
    return (isPower ? biased - 1024 : biased - 1023) >> -this.scale;
  }

  /** `ratio`: how far above the lower boundary of its bucket at the table's scale, in (1, 2^(2^-11)]. */
  #finer(index: number, ratio: number): number {
    const part = 1 << (this.scale - this.#tableScale);
    const r = ratio - 1;
    // ln(1 + r) to the fourth term: r is below 0.00034, the fifth is 3e-15 of the first.
    const logarithm = r * (1 - r * (1 / 2 - r * (1 / 3 - r / 4)));
    const steps = Math.ceil(logarithm * Math.LOG2E * this.#factor) | 0;
    const inside = steps < 1 ? 1 : steps > part ? part : steps;
    // An integer to the engine as well: indexes reach 2^30 at most, and fields that once held a double stay slow.
    return (Math.imul(index, part) + inside - 1) | 0;
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
/** Used within one call only: the words of a double. */
const magnitudes = new Float64Array(1);
const halves = new Uint32Array(magnitudes.buffer);

/** By the leading bits of a significand, one more than the scale: cells so narrow that none has two boundaries in it. */
interface Table {
  /** The boundary 2^(j / 2^scale) that is the first not below the cell's begin. */
  readonly bounds: Float64Array;
  /** The bucket of what is not above that. */
  readonly below: Int16Array;
  /** 2^(bucket / 2^scale), from bucket -1 on. */
  readonly lower: Float64Array;
}

const tables: (Table | undefined)[] = [];

/** Made when first needed; a pure function of the scale. */
function tableOf(scale: number): Table {
  const known = tables[scale];
  if (known !== undefined) return known;
  const buckets = 2 ** scale;
  const bounds = new Float64Array(2 * buckets);
  const below = new Int16Array(2 * buckets);
  let bucket = -1;
  for (let cell = 0; cell < bounds.length; cell++) {
    while (2 ** ((bucket + 1) / buckets) < 1 + cell / bounds.length) bucket++;
    bounds[cell] = 2 ** ((bucket + 1) / buckets);
    below[cell] = bucket;
  }
  const lower = Float64Array.from({ length: buckets + 1 }, (_, i) => 2 ** ((i - 1) / buckets));
  const table = { bounds, below, lower };
  tables[scale] = table;
  return table;
}
