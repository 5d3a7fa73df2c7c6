import { type Millis, millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { LogFields, LogLevel } from '../ports/telemetry.ts';
import { limits } from './limits.ts';
import { formatLine, isPrinted, type LogFormat, type LogRecord } from './log-line.ts';
import { RepeatLimiter } from './repeat-limiter.ts';

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
  /** Equal records: one a window. */
  readonly #repeats = new RepeatLimiter<LogRecord>(1);
  /** Records of one event, whatever they say. */
  readonly #bursts = new RepeatLimiter<LogRecord>(limits.eventBurst);
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
    this.#summarise(now);
    const record: LogRecord = { wallMicros: this.#clock.wall(), level, event, message, fields };
    const admitted =
      this.#repeats.admit(keyOf(record), record, now) && this.#bursts.admit(record.event, record, now);
    const outcome = !admitted ? 'held' : this.#print(record) ? 'printed' : 'lost';
    this.#arm(now);
    return outcome;
  }

  /** Prints what is still held back. Safe to call twice; writing afterwards works. */
  flush(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#summarise(Infinity);
  }

  #arm(now: Millis): void {
    if (this.#alarm !== null) return;
    const deadline = Math.min(
      this.#repeats.nextDeadline() ?? Infinity,
      this.#bursts.nextDeadline() ?? Infinity,
    );
    if (deadline === Infinity) return;
    this.#alarm = this.#clock.after(millis(Math.max(deadline - now, 0)), () => {
      this.#alarm = null;
      const later = this.#clock.monotonic();
      this.#summarise(later);
      this.#arm(later);
    });
  }

  /** Prints what was held in windows that end at or before `now`. */
  #summarise(now: number): void {
    const span = `within ${limits.repeatWindowMs / 1_000} s`;
    for (const { first, held } of this.#repeats.expire(now)) {
      const times = held === 1 ? 'once' : `${held} times`;
      this.#print({ ...first, message: `${first.message} (repeated ${times} ${span})` });
    }
    for (const { first, held } of this.#bursts.expire(now)) {
      this.#print({ ...first, message: `${held} more ${span}, such as: ${first.message}`, fields: {} });
    }
  }

  #print(record: LogRecord): boolean {
    return this.#sink.write(
      formatLine({ ...record, wallMicros: this.#clock.wall() }, this.#format, this.#colour),
    );
  }
}

function keyOf(record: LogRecord): string {
  // Without fields only the words tell one case from another.
  const fields = JSON.stringify(record.fields);
  return `${record.level}\u0000${record.event}\u0000${(fields === '{}' ? record.message : fields).slice(0, limits.logValueChars)}`;
}
