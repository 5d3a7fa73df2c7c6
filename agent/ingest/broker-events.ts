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

/** Queues of subscribers that are away ran over; the buffer has the messages. */
export function brokerShed(telemetry: Telemetry, source: string, count: number): void {
  telemetry.count('ingest_broker_shed', { source }, count);
  telemetry.log(
    'warning',
    'ingest_broker_shed',
    `source ${source}: ${count} messages kept for subscribers that were away gave way to younger ones`,
    { source, count },
  );
}

/** Null: sessions are on disk again. */
export function brokerUnsaved(telemetry: Telemetry, source: string, message: string | null): void {
  telemetry.gauge('ingest_broker_unsaved', message === null ? 0 : 1, { source });
  if (message === null)
    telemetry.log(
      'notice',
      'ingest_broker_saved',
      `source ${source}: subscribers' sessions are on disk again`,
      {
        source,
      },
    );
  else
    telemetry.log(
      'error',
      'ingest_broker_unsaved',
      `source ${source}: subscribers' sessions would not outlive a crash: ${message}`,
      { source },
    );
}

/** The last write before a crash was not whole; nobody was promised anything for it. */
export function brokerTorn(telemetry: Telemetry, source: string, bytes: number): void {
  telemetry.log(
    'notice',
    'ingest_broker_torn',
    `source ${source}: the last ${bytes} bytes of the subscribers' sessions were cut short and dropped`,
    { source, bytes },
  );
}
