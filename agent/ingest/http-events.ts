import type { Telemetry } from '../ports/telemetry.ts';

/** A request brought nothing into the buffer; the answer said why. */
export function httpRefused(telemetry: Telemetry, source: string, status: number): void {
  telemetry.count('ingest_http_refused', { source, status: String(status) });
}
