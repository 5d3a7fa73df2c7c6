/** Chance. The host gives real entropy, a simulation a seed. */
export interface Entropy {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform in 0 … 2^32 - 1. */
  uint32(): number;
}
