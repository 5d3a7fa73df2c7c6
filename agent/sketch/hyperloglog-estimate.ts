/**
 * Cardinality from registers alone: Ertl's improved raw estimator (arXiv 1702.01284, §4, algorithm 6), which needs no
 * tables and no switch between ranges. `histogram[v]` counts the registers of value v; the last value is the largest one.
 */
export function estimateFromRegisters(histogram: ArrayLike<number>, registers: number): number {
  const last = histogram.length - 1;
  let z = registers * tau(1 - histogram[last]! / registers);
  for (let value = last - 1; value >= 1; value--) z = 0.5 * (z + histogram[value]!);
  z += registers * sigma(histogram[0]! / registers);
  return (registers * registers) / (2 * Math.LN2 * z);
}

/** Sum of 2^(k-1) x^(2^k) over k, plus x, for x in [0, 1]; infinite at 1. Converges quadratically. */
function sigma(start: number): number {
  if (start === 1) return Infinity;
  let x = start;
  let weight = 1;
  let sum = x;
  for (let i = 0; i < 64; i++) {
    x *= x;
    const next = sum + x * weight;
    weight += weight;
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** (1 - x - sum of 2^-k (1 - x^(2^-k))^2 over k) / 3 for x in [0, 1]. */
function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let x = start;
  let weight = 1;
  let sum = 1 - x;
  for (let i = 0; i < 64; i++) {
    x = Math.sqrt(x);
    weight *= 0.5;
    const next = sum - (1 - x) * (1 - x) * weight;
    if (next === sum) break;
    sum = next;
  }
  return sum / 3;
}

/**
 * Distinct items behind `coupons` distinct coupons. A coupon is 26 bits of address and a geometric value, so two items share
 * one with probability 2^-26 / 3.
 */
export function estimateFromCoupons(coupons: number): number {
  return coupons + (coupons * coupons) / (6 * 0x400_0000);
}
