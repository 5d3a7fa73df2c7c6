import { assert } from '../../base/assert.ts';

/** Fast Fourier transform of blocks of one size, a power of two; radix 2, decimation in time, twiddles computed once. */
export class Fourier {
  readonly size: number;
  readonly #cosine: Float64Array;
  readonly #sine: Float64Array;
  readonly #swapped: Uint32Array;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;

  constructor(size: number) {
    assert(size >= 2 && (size & (size - 1)) === 0, 'the size is a power of two');
    this.size = size;
    this.#real = new Float64Array(size);
    this.#imaginary = new Float64Array(size);
    this.#cosine = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sine = Float64Array.from({ length: size / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / size));
    const bits = Math.log2(size);
    this.#swapped = Uint32Array.from({ length: size }, (_, i) => {
      let swapped = 0;
      for (let bit = 0; bit < bits; bit++) if ((i & (1 << bit)) !== 0) swapped |= 1 << (bits - 1 - bit);
      return swapped;
    });
  }

  /** Squared magnitudes of the bins 0 … size / 2 of a real signal, into `into`. */
  squares(signal: Float64Array, into: Float64Array): void {
    const re = this.#real;
    const im = this.#imaginary.fill(0);
    for (let i = 0; i < this.size; i++) re[this.#swapped[i]!] = signal[i]!;
    for (let half = 1; half < this.size; half *= 2) {
      const stride = this.size / (2 * half);
      for (let start = 0; start < this.size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const cosine = this.#cosine[k * stride]!;
          const sine = this.#sine[k * stride]!;
          const low = start + k;
          const high = low + half;
          const x = re[high]! * cosine - im[high]! * sine;
          const y = re[high]! * sine + im[high]! * cosine;
          re[high] = re[low]! - x;
          im[high] = im[low]! - y;
          re[low] = re[low]! + x;
          im[low] = im[low]! + y;
        }
      }
    }
    for (let bin = 0; bin <= this.size / 2; bin++) into[bin] = re[bin]! * re[bin]! + im[bin]! * im[bin]!;
  }
}
