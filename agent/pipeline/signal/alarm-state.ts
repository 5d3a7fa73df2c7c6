import type { ByteReader } from '../../base/byte-reader.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

export interface AlarmTimes {
  /** The condition must hold this long before an alarm is raised, >= 0. */
  readonly forMicros: number;
  /** From one raising to the next of the same series, >= 0. */
  readonly silenceMicros: number;
}

/** What one judged reading does. */
export type AlarmStep = 'none' | 'raised' | 'cleared';

/**
 * The alarm of one series, in event time: idle → pending (the condition holds) → raised (it has held for `for`, and the last raising
 * is `silence` ago) → idle (it is cleared). A condition that breaks while pending starts over; an alarm held back by silence is
 * counted, and raised when the silence ends if the condition still holds.
 */
export class AlarmState {
  /** Time of the newest reading judged; -Infinity before the first. */
  timeMicros = Number.NEGATIVE_INFINITY;
  /** Since when the condition holds without a break; NaN: it does not. */
  sinceMicros = Number.NaN;
  isRaised = false;
  /** Alarms held back by silence since the last raising. */
  suppressed = 0;
  #raisedMicros = Number.NEGATIVE_INFINITY;
  #isHeldBack = false;

  /** `isMet`: the condition of raising; `isOver`: that of clearing. Both may be false, between the two thresholds. */
  step(
    timeMicros: number,
    { isMet, isOver }: { readonly isMet: boolean; readonly isOver: boolean },
    { forMicros, silenceMicros }: AlarmTimes,
  ): AlarmStep {
    this.timeMicros = timeMicros;
    if (this.isRaised) {
      if (!isOver) return 'none';
      this.isRaised = false;
      return 'cleared';
    }
    if (!isMet) {
      this.sinceMicros = Number.NaN;
      this.#isHeldBack = false;
      return 'none';
    }
    if (Number.isNaN(this.sinceMicros)) this.sinceMicros = timeMicros;
    if (timeMicros - this.sinceMicros < forMicros) return 'none';
    if (timeMicros - this.#raisedMicros < silenceMicros) {
      if (!this.#isHeldBack) this.suppressed++;
      this.#isHeldBack = true;
      return 'none';
    }
    this.isRaised = true;
    this.#isHeldBack = false;
    this.#raisedMicros = timeMicros;
    return 'raised';
  }

  /** After what `cleared` or `raised` tells was told. */
  told(step: AlarmStep): void {
    if (step === 'raised') this.suppressed = 0;
    if (step === 'cleared') this.sinceMicros = Number.NaN;
  }

  clear(): void {
    this.timeMicros = Number.NEGATIVE_INFINITY;
    this.sinceMicros = Number.NaN;
    this.isRaised = false;
    this.suppressed = 0;
    this.#raisedMicros = Number.NEGATIVE_INFINITY;
    this.#isHeldBack = false;
  }

  write(writer: ByteWriter): void {
    writer.float64(this.timeMicros);
    writer.float64(this.sinceMicros);
    writer.float64(this.#raisedMicros);
    writer.varint(this.suppressed);
    writer.uint8((this.isRaised ? 1 : 0) + (this.#isHeldBack ? 2 : 0));
  }

  /** @throws {MalformedBytes} */
  static read(reader: ByteReader): AlarmState {
    const state = new AlarmState();
    state.timeMicros = reader.float64();
    state.sinceMicros = reader.float64();
    state.#raisedMicros = reader.float64();
    state.suppressed = reader.varint();
    const flags = reader.uint8();
    if (flags > 3) throw new MalformedBytes('state of an alarm');
    state.isRaised = (flags & 1) !== 0;
    state.#isHeldBack = (flags & 2) !== 0;
    return state;
  }
}
