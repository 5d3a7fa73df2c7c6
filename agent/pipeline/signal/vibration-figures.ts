import { Fourier } from './fourier.ts';

export interface Band {
  /** Hz; bins with low <= f < high belong to it, and the highest one where `high` is half the sample rate. */
  readonly low: number;
  readonly high: number;
}

export interface VibrationFigures {
  readonly mean: number;
  /** Root mean square, greatest distance and fourth moment over squared variance (3 for noise), all about the mean. */
  readonly rms: number;
  readonly peak: number;
  readonly kurtosis: number;
  /** peak / rms; 0 for a signal that is flat, as kurtosis then is. */
  readonly crest: number;
  /** Frequency of the strongest bin, Hz. */
  readonly peakHz: number;
  /** Power in each band, unit². A sine of amplitude A gives A²/2. */
  readonly powers: readonly number[];
}

/**
 * Figures of blocks of `size` samples taken at `sampleRate` Hz. Spectrum: mean removed, periodic Hann window, one-sided periodogram scaled
 * by 1 / (rate × Σ w²) (Harris, Proc. IEEE 66, 1978; scipy.signal.periodogram with detrend='constant'), a band being the sum of its
 * bins times their width: the bands from 0 to half the rate add up to the variance.
 */
export class VibrationAnalysis {
  readonly #size: number;
  readonly #rate: number;
  readonly #bands: readonly Band[];
  readonly #fourier: Fourier;
  readonly #window: Float64Array;
  readonly #scale: number;
  readonly #windowed: Float64Array;
  readonly #squares: Float64Array;

  constructor(options: {
    readonly size: number;
    readonly sampleRate: number;
    readonly bands: readonly Band[];
  }) {
    const { size, sampleRate, bands } = options;
    this.#size = size;
    this.#rate = sampleRate;
    this.#bands = bands;
    this.#fourier = new Fourier(size);
    this.#window = Float64Array.from(
      { length: size },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size),
    );
    const squares = this.#window.reduce((sum, weight) => sum + weight * weight, 0);
    // Density times the width of a bin: rate cancels.
    this.#scale = 1 / (squares * size);
    this.#windowed = new Float64Array(size);
    this.#squares = new Float64Array(size / 2 + 1);
  }

  /** Of `size` samples, all finite. */
  figures(samples: Float64Array): VibrationFigures {
    const size = this.#size;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += samples[i]!;
    const mean = sum / size;
    let second = 0;
    let fourth = 0;
    let peak = 0;
    for (let i = 0; i < size; i++) {
      const deviation = samples[i]! - mean;
      const square = deviation * deviation;
      second += square;
      fourth += square * square;
      if (square > peak) peak = square;
      this.#windowed[i] = deviation * this.#window[i]!;
    }
    const variance = second / size;
    const rms = Math.sqrt(variance);
    const crest = rms === 0 ? 0 : Math.sqrt(peak) / rms;
    const kurtosis = variance === 0 ? 0 : fourth / size / (variance * variance);
    this.#fourier.squares(this.#windowed, this.#squares);
    return {
      mean,
      rms,
      peak: Math.sqrt(peak),
      kurtosis,
      crest,
      peakHz: this.#peakHz(),
      powers: this.#powers(),
    };
  }

  #peakHz(): number {
    let best = 0;
    for (let bin = 1; bin < this.#squares.length; bin++)
      if (this.#squares[bin]! > this.#squares[best]!) best = bin;
    return (best * this.#rate) / this.#size;
  }

  #powers(): number[] {
    const nyquist = this.#squares.length - 1;
    return this.#bands.map(({ low, high }) => {
      let power = 0;
      for (let bin = 0; bin <= nyquist; bin++) {
        const frequency = (bin * this.#rate) / this.#size;
        const isInside = frequency >= low && (frequency < high || (bin === nyquist && frequency === high));
        // One side carries both, but for the bins that have no mirror.
        if (isInside) power += this.#squares[bin]! * (bin === 0 || bin === nyquist ? 1 : 2);
      }
      return power * this.#scale;
    });
  }
}
