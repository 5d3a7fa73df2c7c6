import { assert } from '../../base/assert.ts';

/** Bounds of a fit: the windows and orders a stage may have. */
export const pointsMax = 256;
export const orderMax = 5;
/** A polynomial this much smaller than the one before is rounding: the points do not carry its order. */
const coincidence = 1e-20;

/** Fits polynomials; an object because it keeps room for two columns of numbers. */
export class PolynomialFit {
  readonly #current = new Float64Array(pointsMax);
  readonly #previous = new Float64Array(pointsMax);

  /**
   * Weights w with which Σ w[i] · y[i] is the `derivative`-th derivative at `at` of the polynomial of `order` that fits y at x best
   * (least squares); they are written to `into[0 … count - 1]`. Discrete orthogonal polynomials by Forsythe's three-term recurrence
   * (J. SIAM 5, 1957), which stays exact to rounding where normal equations lose digits; for even spacing the weights are those of
   * Savitzky and Golay (1964). Points that coincide lower the order as far as needed; the answer is the order used, -1 for no points.
   *
   * `x` best lies within -1 … 1. Costs O(count × order).
   */
  weights(
    x: Float64Array,
    options: {
      readonly count: number;
      /** 0 … 5. */
      readonly order: number;
      /** 0 … 2. */
      readonly derivative: number;
      readonly at: number;
    },
    into: Float64Array,
  ): number {
    const { count, order, derivative, at } = options;
    assert(order <= orderMax && count <= pointsMax && into.length >= count, 'a fit within its bounds');
    const current = this.#current.fill(1, 0, count);
    const previous = this.#previous.fill(0, 0, count);
    into.fill(0, 0, count);
    // Value, first and second derivative of the present and the previous polynomial at `at`.
    let [p, p1, p2] = [1, 0, 0];
    let [q, q1, q2] = [0, 0, 0];
    let normBefore = 0;
    for (let k = 0; k <= order; k++) {
      let norm = 0;
      let moment = 0;
      for (let i = 0; i < count; i++) {
        const square = current[i]! * current[i]!;
        norm += square;
        moment += x[i]! * square;
      }
      if (!(norm > normBefore * coincidence)) return k - 1;
      const factor = (derivative === 0 ? p : derivative === 1 ? p1 : p2) / norm;
      for (let i = 0; i < count; i++) into[i]! += factor * current[i]!;
      if (k === order) return order;
      const a = moment / norm;
      const b = normBefore === 0 ? 0 : norm / normBefore;
      for (let i = 0; i < count; i++) {
        const next = (x[i]! - a) * current[i]! - b * previous[i]!;
        previous[i] = current[i]!;
        current[i] = next;
      }
      const [r, r1, r2] = [(at - a) * p - b * q, p + (at - a) * p1 - b * q1, 2 * p1 + (at - a) * p2 - b * q2];
      [q, q1, q2] = [p, p1, p2];
      [p, p1, p2] = [r, r1, r2];
      normBefore = norm;
    }
    return order;
  }
}
