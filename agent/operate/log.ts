import { type Millis, millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { LogFields, LogLevel } from '../ports/telemetry.ts';
import { limits } from './limits.ts';
import { formatLine, isPrinted, type LogFormat, type LogRecord } from './log-line.ts';
import { RepeatLimiter, type Repeats } from './repeat-limiter.ts';

/** Where lines go. The host implements it over standard error. */
export interface LogSink {
  /** One line without its end. False when it was given up because nobody reads. */
  write(line: string): boolean;
}

export interface LogOptions {
  readonly clock: Clock;
  readonly sink: LogSink;
  readonly format: LogFormat;
  readonly colour: boolean;
  readonly level: LogLevel;
}

/** What became of a record, for the counters. */
export type LogOutcome = 'printed' | 'below' | 'held' | 'lost';

/** Records to lines: filters by level, holds repeats back and sums them up when their window ends. */
export class Log {
  readonly #clock: Clock;
  readonly #sink: LogSink;
  readonly #format: LogFormat;
  readonly #colour: boolean;
  readonly #repeats = new RepeatLimiter<LogRecord>();
  #level: LogLevel;
  #alarm: Alarm | null = null;

  constructor(options: LogOptions) {
    this.#clock = options.clock;
    this.#sink = options.sink;
    this.#format = options.format;
    this.#colour = options.colour;
    this.#level = options.level;
  }

  setLevel(level: LogLevel): void {
    this.#level = level;
  }

  write(level: LogLevel, event: string, message: string, fields: LogFields = {}): LogOutcome {
    if (!isPrinted(level, this.#level)) return 'below';
    const now = this.#clock.monotonic();
    this.#summarise(this.#repeats.expire(now));
    const record: LogRecord = { wallMicros: this.#clock.wall(), level, event, message, fields };
    const admitted = this.#repeats.admit(keyOf(record), record, now);
    const outcome = !admitted ? 'held' : this.#print(record) ? 'printed' : 'lost';
    this.#arm(now);
    return outcome;
  }

  /** Prints what is still held back. Safe to call twice; writing afterwards works. */
  flush(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#summarise(this.#repeats.expire(Infinity));
  }

  #arm(now: Millis): void {
    if (this.#alarm !== null) return;
    const deadline = this.#repeats.nextDeadline();
    if (deadline === null) return;
    this.#alarm = this.#clock.after(millis(Math.max(deadline - now, 0)), () => {
      this.#alarm = null;
      const later = this.#clock.monotonic();
      this.#summarise(this.#repeats.expire(later));
      this.#arm(later);
    });
  }

  #summarise(repeats: readonly Repeats<LogRecord>[]): void {
    for (const { first, held } of repeats) {
      const times = held === 1 ? 'once' : `${held} times`;
      const message = `${first.message} (repeated ${times} within ${limits.repeatWindowMs / 1_000} s)`;
      this.#print({ ...first, wallMicros: this.#clock.wall(), message });
    }
  }

  #print(record: LogRecord): boolean {
    return this.#sink.write(formatLine(record, this.#format, this.#colour));
  }
}

function keyOf(record: LogRecord): string {
  return `${record.event}\u0000${JSON.stringify(record.fields).slice(0, limits.logValueChars)}`;
}
