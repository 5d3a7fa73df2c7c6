import type { ListenAddress } from '../ports/broker.ts';
import type { Telemetry } from '../ports/telemetry.ts';

export function brokerListening(
  telemetry: Telemetry,
  source: string,
  addresses: readonly ListenAddress[],
): void {
  const words = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
  telemetry.log(
    'notice',
    'ingest_broker_listening',
    `source ${source}: MQTT clients may connect to ${words}`,
    {
      source,
    },
  );
}

/** A client was not let in or was cut off. */
export function brokerRefused(telemetry: Telemetry, source: string, reason: string, message: string): void {
  telemetry.count('ingest_broker_refused', { source, reason });
  telemetry.log('warning', 'ingest_broker_refused', `source ${source}: ${message}`, { source, reason });
}

/** Subscribers of the embedded broker missed messages; the buffer has them. */
export function brokerUnforwarded(telemetry: Telemetry, source: string, count: number): void {
  telemetry.count('ingest_broker_unforwarded', { source }, count);
  telemetry.log(
    'warning',
    'ingest_broker_unforwarded',
    `source ${source}: subscribers are too slow and missed ${count} messages`,
    { source, count },
  );
}
