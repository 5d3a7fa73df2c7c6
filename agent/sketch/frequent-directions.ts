import { expectBytes, parsing, requireParameter, requireSame, type Parsed } from './fault.ts';
import { directionsNumbersMax, directionsRowsMax } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { symmetricEigen } from './symmetric-eigen.ts';
import { readFinite, readOwn, readUint64, writeOwn, writeUint64 } from './wire.ts';

const magic = 'SDFD';

/**
 * Frequent Directions (Liberty 2013; Ghashami et al., arXiv 1501.01711): l rows B that stand for all n rows A, so that
 * 0 <= |Ax|² - |Bx|² <= `shrunk` for every unit vector x, and `shrunk` <= |A - A_k|² / (l - k) for every k < l. Gives principal
 * components over agents without any of their rows. Rows with a value that is not finite are not taken.
 */
export class FrequentDirections implements Sketch {
  readonly kind = 'directions';
  readonly l: number;
  readonly d: number;
  #n = 0;
  /** What all shrinking together took from any direction at most. */
  #shrunk = 0;
  /** Squared Frobenius norm of all rows. */
  #energy = 0;
  /** 2 l rows of d; the first `#used` hold something. */
  readonly #rows: Float64Array;
  #used = 0;

  constructor(options: { l: number; d: number }) {
    this.l = options.l;
    this.d = options.d;
    requireParameter('directions', 'l', this.l, { min: 2, max: directionsRowsMax });
    const widthMax = Math.floor(directionsNumbersMax / (2 * this.l));
    requireParameter('directions', 'd', this.d, { min: 1, max: widthMax });
    this.#rows = new Float64Array(2 * this.l * this.d);
  }

  get n(): number {
    return this.#n;
  }

  get memoryBytes(): number {
    return this.#rows.byteLength;
  }

  get shrunk(): number {
    return this.#shrunk;
  }

  get energy(): number {
    return this.#energy;
  }

  update(row: ArrayLike<number>): void {
    requireParameter('directions', 'length', row.length, { min: this.d, max: this.d });
    let energy = 0;
    for (let i = 0; i < this.d; i++) energy += row[i]! * row[i]!;
    if (!Number.isFinite(energy)) return;
    this.#energy += energy;
    this.#n++;
    this.#append(row);
  }

  #append(row: ArrayLike<number>): void {
    if (this.#used === 2 * this.l) this.#shrink();
    for (let i = 0; i < this.d; i++) this.#rows[this.#used * this.d + i] = row[i]!;
    this.#used++;
  }

  /** Rotates the rows to their principal directions, takes the l-th squared length from all, and so leaves at most l - 1. */
  #shrink(): void {
    const { d } = this;
    const eigen = symmetricEigen(this.#gram());
    const taken = Math.max(0, eigen.values[this.l - 1] ?? 0);
    const kept: Float64Array[] = [];
    for (let i = 0; i < Math.min(this.l, this.#used); i++) {
      const value = eigen.values[i]!;
      if (value <= taken || value <= 0) break;
      const scale = Math.sqrt((value - taken) / value);
      const row = new Float64Array(d);
      for (let j = 0; j < this.#used; j++) {
        const part = scale * eigen.vectors[i]![j]!;
        for (let c = 0; c < d; c++) row[c]! += part * this.#rows[j * d + c]!;
      }
      kept.push(row);
    }
    this.#rows.fill(0);
    for (const [i, row] of kept.entries()) this.#rows.set(row, i * d);
    this.#used = kept.length;
    this.#shrunk += taken;
  }

  /** Inner products of the used rows. */
  #gram(): Float64Array[] {
    const { d } = this;
    const gram = Array.from({ length: this.#used }, () => new Float64Array(this.#used));
    for (let i = 0; i < this.#used; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let c = 0; c < d; c++) sum += this.#rows[i * d + c]! * this.#rows[j * d + c]!;
        gram[i]![j] = sum;
        gram[j]![i] = sum;
      }
    }
    return gram;
  }

  /** |Bx|² for a vector x of length d. */
  squaredImage(x: ArrayLike<number>): number {
    let sum = 0;
    for (let row = 0; row < this.#used; row++) {
      let product = 0;
      for (let i = 0; i < this.d; i++) product += this.#rows[row * this.d + i]! * x[i]!;
      sum += product * product;
    }
    return sum;
  }

  /** Principal directions, unit vectors, with the squared length of A along them (a lower bound), largest first. */
  directions(): { readonly squared: number; readonly direction: Float64Array }[] {
    const eigen = symmetricEigen(this.#gram());
    const found: { squared: number; direction: Float64Array }[] = [];
    for (let i = 0; i < this.#used; i++) {
      const squared = eigen.values[i]!;
      if (squared <= 1e-12 * eigen.values[0]!) break;
      const direction = new Float64Array(this.d);
      for (let j = 0; j < this.#used; j++) {
        const part = eigen.vectors[i]![j]! / Math.sqrt(squared);
        for (let c = 0; c < this.d; c++) direction[c]! += part * this.#rows[j * this.d + c]!;
      }
      found.push({ squared, direction });
    }
    return found;
  }

  /** Of |Ax|², as a part of the squared Frobenius norm; always holds. */
  bound(): ErrorBound {
    return { of: 'norm', error: this.#energy === 0 ? 0 : this.#shrunk / this.#energy, confidence: 1 };
  }

  /** @throws {SketchMismatch} when l or d differ. */
  merge(other: FrequentDirections): void {
    requireSame('directions', 'l', this.l, other.l);
    requireSame('directions', 'd', this.d, other.d);
    const theirs = other.#rows.slice(0, other.#used * this.d);
    const [n, energy, shrunk] = [other.#n, other.#energy, other.#shrunk];
    for (let at = 0; at < theirs.length; at += this.d) this.#append(theirs.subarray(at, at + this.d));
    this.#n += n;
    this.#energy += energy;
    this.#shrunk += shrunk;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeOwn(magic, (writer) => {
      writer.uint32(this.l);
      writer.uint32(this.d);
      writer.uint32(this.#used);
      writer.uint32(0);
      writeUint64(writer, this.#n);
      writer.float64(this.#energy);
      writer.float64(this.#shrunk);
      for (let i = 0; i < this.#used * this.d; i++) writer.float64(this.#rows[i]!);
    });
  }

  static parse(bytes: Uint8Array): Parsed<FrequentDirections> {
    return parsing('directions', () =>
      readOwn(magic, bytes, (reader) => {
        const l = reader.uint32();
        const d = reader.uint32();
        const used = reader.uint32();
        expectBytes(reader.uint32() === 0, 'reserved bytes are not zero');
        expectBytes(l >= 2 && l <= directionsRowsMax && d >= 1, `${l} rows of ${d}`);
        expectBytes(2 * l * d <= directionsNumbersMax && used <= 2 * l, `${used} of ${2 * l} rows of ${d}`);
        const sketch = new FrequentDirections({ l, d });
        sketch.#n = readUint64(reader, 'n');
        sketch.#energy = readFinite(reader, 'energy');
        sketch.#shrunk = readFinite(reader, 'shrunk');
        sketch.#used = used;
        expectBytes(reader.remaining === used * d * 8, 'length does not fit the rows');
        for (let i = 0; i < used * d; i++) sketch.#rows[i] = readFinite(reader, 'value');
        return sketch;
      }),
    );
  }
}
