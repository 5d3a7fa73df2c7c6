import type { Labels, LogFields, LogLevel, Telemetry } from '../ports/telemetry.ts';
import type { Log } from './log.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

/** The one implementation of {@link Telemetry}: log lines and metrics side by side. */
export class AgentTelemetry implements Telemetry {
  readonly #log: Log;
  readonly #metrics: MetricsRegistry;
  /** Names already complained about; bounded by the registry, which keeps at most as many unknown names. */
  readonly #complained = new Set<string>();

  constructor(log: Log, metrics: MetricsRegistry) {
    this.#log = log;
    this.#metrics = metrics;
  }

  log(level: LogLevel, event: string, message: string, fields?: LogFields): void {
    const outcome = this.#log.write(level, event, message, fields);
    this.#metrics.count('log_lines', { level }, 1);
    if (outcome === 'held') this.#metrics.count('log_lines_held', { level }, 1);
    if (outcome === 'lost') this.#metrics.count('log_lines_lost', undefined, 1);
  }

  count(name: string, labels?: Labels, by = 1): void {
    if (!this.#metrics.count(name, labels, by)) this.#complain(name);
  }

  gauge(name: string, value: number, labels?: Labels): void {
    if (!this.#metrics.gauge(name, value, labels)) this.#complain(name);
  }

  observe(name: string, value: number, labels?: Labels): void {
    if (!this.#metrics.observe(name, value, labels)) this.#complain(name);
  }

  #complain(name: string): void {
    if (this.#complained.has(name) || this.#complained.size >= 256) return;
    this.#complained.add(name);
    this.log('debug', 'operate_metric_unknown', `metric ${name} is not in the catalogue`, { metric: name });
  }
}
