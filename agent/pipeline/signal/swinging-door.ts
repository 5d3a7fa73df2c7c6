import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

/**
 * The corridor of one series (Bristol 1990, in the strict form of the PI archive). A point may take the place of the one held when
 * the line to it from the origin passes every point between at most `deviation` away; the slopes for which that holds are kept as
 * one interval, so a point costs four divisions whatever the length of the segment. Hence, for points in time order: linear
 * interpolation of the points given out differs at no point by more than `deviation` (with `minMicros` 0).
 */
export class Door {
  /** The point given out last; NaN before the first. */
  originMicros = Number.NaN;
  originValue = 0;
  /** The point that ends the segment unless a later one takes its place; NaN: none. */
  heldMicros = Number.NaN;
  heldValue = 0;
  /** Slopes (unit per microsecond) that keep to the corridor of every point from the origin to the held one. */
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;

  /** Begins a segment at a point that is given out now. */
  begin(timeMicros: number, value: number): void {
    this.originMicros = timeMicros;
    this.originValue = value;
    this.heldMicros = Number.NaN;
    this.#low = Number.NEGATIVE_INFINITY;
    this.#high = Number.POSITIVE_INFINITY;
  }

  /** The line from the origin to this point, later than the held one, passes every point between closely enough. */
  fits(timeMicros: number, value: number): boolean {
    if (Number.isNaN(this.heldMicros)) return true;
    const slope = (value - this.originValue) / (timeMicros - this.originMicros);
    return slope >= this.#low && slope <= this.#high;
  }

  /** Makes a point that fits the end of the segment. */
  hold(timeMicros: number, value: number, deviation: number): void {
    this.heldMicros = timeMicros;
    this.heldValue = value;
    const span = timeMicros - this.originMicros;
    const low = (value - deviation - this.originValue) / span;
    const high = (value + deviation - this.originValue) / span;
    if (low > this.#low) this.#low = low;
    if (high < this.#high) this.#high = high;
  }

  /** Holds a point later than the held one. True: the point held before closes its segment and must be given out. */
  take(timeMicros: number, value: number, options: DoorOptions): boolean {
    let closes = false;
    if (!Number.isNaN(this.heldMicros)) {
      const fits = this.fits(timeMicros, value) && timeMicros - this.originMicros <= options.maxMicros;
      if (!fits) {
        closes = this.heldMicros - this.originMicros >= options.minMicros;
        if (closes) this.begin(this.heldMicros, this.heldValue);
        else {
          this.#low = Number.NEGATIVE_INFINITY;
          this.#high = Number.POSITIVE_INFINITY;
        }
      }
    }
    this.hold(timeMicros, value, options.deviation);
    return closes;
  }

  /** Nothing is remembered. */
  clear(): void {
    this.begin(Number.NaN, 0);
  }

  write(writer: ByteWriter): void {
    writer.float64(this.originMicros);
    writer.float64(this.originValue);
    writer.float64(this.heldMicros);
    writer.float64(this.heldValue);
    writer.float64(this.#low);
    writer.float64(this.#high);
  }

  /** @throws {MalformedBytes} */
  read(reader: ByteReader): this {
    this.originMicros = reader.float64();
    this.originValue = reader.float64();
    this.heldMicros = reader.float64();
    this.heldValue = reader.float64();
    this.#low = reader.float64();
    this.#high = reader.float64();
    return this;
  }
}

export interface DoorOptions {
  /** Half width of the corridor in the field's unit, >= 0. */
  readonly deviation: number;
  /** A point nearer to the last one given out is not given out (PI: CompMin), >= 0. */
  readonly minMicros: number;
  /** A segment longer than this is closed (PI: CompMax), > 0. */
  readonly maxMicros: number;
}
