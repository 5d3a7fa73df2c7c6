import type { LogLevel, Telemetry } from '#agent/ports/telemetry.ts';

/** Keeps what is reported. */
export class SilentTelemetry implements Telemetry {
  readonly events: { level: LogLevel; event: string; message: string }[] = [];
  readonly counts = new Map<string, number>();

  log(level: LogLevel, event: string, message: string): void {
    this.events.push({ level, event, message });
  }
  count(name: string, _labels?: unknown, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }
  gauge(): void {}
  observe(): void {}
}
