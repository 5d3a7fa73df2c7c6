import type { MqttCloseReason } from '../ports/broker.ts';
import type { Telemetry } from '../ports/telemetry.ts';

export function mqttConnected(telemetry: Telemetry, source: string, sessionPresent: boolean): void {
  telemetry.count('ingest_mqtt_connections', { source });
  telemetry.gauge('ingest_mqtt_connected', 1, { source });
  const words = sessionPresent ? 'the broker kept the session' : 'new session';
  telemetry.log('notice', 'ingest_mqtt_connected', `source ${source}: connected, ${words}`, {
    source,
    sessionPresent,
  });
}

export function mqttClosed(
  telemetry: Telemetry,
  source: string,
  reason: MqttCloseReason,
  retryMs: number,
): void {
  telemetry.count('ingest_mqtt_closed', { source, kind: reason.kind });
  telemetry.gauge('ingest_mqtt_connected', 0, { source });
  telemetry.log(
    'warning',
    'ingest_mqtt_closed',
    `source ${source}: ${reason.message}; next attempt in ${seconds(retryMs)} s`,
    { source, kind: reason.kind },
  );
}

/** The broker does not let us in: somebody has to look at the credentials. */
export function mqttRefused(telemetry: Telemetry, source: string, words: string, retryMs: number): void {
  telemetry.count('ingest_mqtt_closed', { source, kind: 'refused' });
  telemetry.gauge('ingest_mqtt_connected', 0, { source });
  telemetry.log(
    'error',
    'ingest_mqtt_refused',
    `source ${source}: the broker refuses us: ${words}; next attempt in ${seconds(retryMs)} s`,
    { source },
  );
}

export function mqttSubscriptionRefused(
  telemetry: Telemetry,
  source: string,
  refusals: readonly string[],
): void {
  telemetry.count('ingest_mqtt_subscriptions_refused', { source }, refusals.length);
  telemetry.log(
    'error',
    'ingest_mqtt_subscription_refused',
    `source ${source}: the broker refuses ${refusals.join('; ')}`,
    { source },
  );
}

/** The broker sends more unacknowledged messages than we allowed. They are taken in all the same. */
export function mqttOvershoot(telemetry: Telemetry, source: string, count: number): void {
  telemetry.count('ingest_mqtt_overshoot', { source }, count);
  telemetry.log('debug', 'ingest_mqtt_overshoot', `source ${source}: the broker exceeds Receive Maximum`, {
    source,
    count,
  });
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
