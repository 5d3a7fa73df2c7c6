/**
 * Squared distances and error bounds are kept to sixteen significant bits: nobody needs more of what follows from them (a deviation, a bound), and further
 * bits are noise that no codec makes smaller.
 */

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
/** Of the high half, what is rounded away. */
const low = 0x1f;
const shift = 5;
const codeMax = 0x7ff00000 >>> shift;
/** How often the rows of one block may have been rounded: off by 2^-8 at most. The ladder leaves a block alone rather than round it once more. */
export const spreadRoundingsMax = 255;
/** From so many on a block takes no further rows at its level; what is left to the most is for the levels it has still to go through. */
export const spreadRoundingsOpen = 192;

/**
 * What squared distances may be off by, in parts of themselves, that were rounded so many times (0 … {@link spreadRoundingsMax}). A row is rounded when it is made
 * and whenever it takes others in, each time by at most 2^-16; the one more is for what the errors have of each other.
 */
export function spreadErrorAfter(roundings: number): number {
  return (roundings + 1) * 2 ** -16;
}

/** The nearest number of sixteen bits to one that is not negative: within 2^-16 of it. */
export function roundSpread(value: number): number {
  double[0] = value;
  halves[1] = Math.min(codeMax * (low + 1), (halves[1]! + (low + 1) / 2) & ~low);
  halves[0] = 0;
  return double[0];
}

/** The smallest number of sixteen bits that is not below one that is not negative. */
export function roundSpreadUp(value: number): number {
  double[0] = value;
  if (halves[0] === 0 && (halves[1]! & low) === 0) return value;
  halves[1] = (halves[1]! & ~low) + low + 1;
  halves[0] = 0;
  return double[0];
}

/** A number of sixteen bits, not negative, as a whole number 0 … 2^26 - 1 that grows with it; -1 for any other. */
export function spreadCode(value: number): number {
  double[0] = value;
  const high = halves[1]!;
  return halves[0] === 0 && (high & low) === 0 && high <= codeMax * (low + 1) ? high >>> shift : -1;
}

/** Null where no number has this code. */
export function spreadOf(code: number): number | null {
  if (!(code >= 0 && code <= codeMax)) return null;
  halves[1] = code << shift;
  halves[0] = 0;
  return double[0]!;
}
