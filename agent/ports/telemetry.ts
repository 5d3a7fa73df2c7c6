/**
 * Where rooms report what happens. One function per observable event calls this, so that log line, counter and code
 * never disagree. Levels by who must act: `error` data at risk or an operator is needed; `warning` the agent copes, look at
 * it today; `notice` a change of state worth knowing; `info`, `debug` nobody must act.
 */
export interface Telemetry {
  log(level: LogLevel, event: string, message: string, fields?: LogFields): void;
  /** Adds to a counter; `name` without prefix and with `_total` left out. */
  count(name: string, labels?: Labels, by?: number): void;
  /** Sets a gauge, in base units. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** Observes into a histogram, in base units (seconds, bytes). */
  observe(name: string, value: number, labels?: Labels): void;
}

export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';
/** Values are printed as given: no secret may ever be one. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;
/** Bounded: configured names only, never topics or payloads. */
export type Labels = Readonly<Record<string, string>>;
