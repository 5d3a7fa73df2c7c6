import type { Telemetry } from '../ports/telemetry.ts';

/** Everything an operator can observe of one uplink; log line and counter together. */
export class UplinkEvents {
  readonly #telemetry: Telemetry;
  readonly #uplink: string;

  constructor(telemetry: Telemetry, uplink: string) {
    this.#telemetry = telemetry;
    this.#uplink = uplink;
  }

  taken(batch: { stream: string; readings: number; bytes: number; seconds: number }): void {
    this.#readings('delivered', batch.readings);
    this.#sent('taken', batch);
  }

  refused(batch: { stream: string; first: number; last: number; readings: number; words: string }): void {
    this.#readings('refused', batch.readings);
    this.#telemetry.log(
      'warning',
      'uplink_refused',
      `uplink ${this.#uplink}: the receiver refused ${batch.readings} readings of ${batch.stream} ` +
        `(${batch.first}-${batch.last}), they are in the dead-letter stream: ${batch.words}`,
      { uplink: this.#uplink, stream: batch.stream, readings: batch.readings },
    );
  }

  later(batch: { words: string; bytes: number; seconds: number }): void {
    this.#sent('later', batch);
    this.#telemetry.log('debug', 'uplink_later', `uplink ${this.#uplink}: ${batch.words}; will send again`, {
      uplink: this.#uplink,
    });
  }

  answered(batch: { outcome: 'refused' | 'partly' | 'too_big'; bytes: number; seconds: number }): void {
    this.#sent(batch.outcome, batch);
  }

  denied(words: string): void {
    this.#telemetry.log(
      'error',
      'uplink_denied',
      `uplink ${this.#uplink}: the receiver does not accept our credentials: ${words}; readings wait`,
      { uplink: this.#uplink },
    );
  }

  split(batch: { stream: string; readings: number; words: string }): void {
    this.#telemetry.count('uplink_splits', { uplink: this.#uplink });
    this.#telemetry.log(
      'info',
      'uplink_split',
      `uplink ${this.#uplink}: a batch of ${batch.readings} readings of ${batch.stream} is too big (${batch.words}); ` +
        'sending halves',
      { uplink: this.#uplink, stream: batch.stream },
    );
  }

  down(words: string): void {
    this.#telemetry.gauge('uplink_up', 0, { uplink: this.#uplink });
    this.#telemetry.count('uplink_outages', { uplink: this.#uplink });
    this.#telemetry.log('warning', 'uplink_down', `uplink ${this.#uplink} is down: ${words}`, {
      uplink: this.#uplink,
    });
  }

  up(downSeconds: number | null): void {
    this.#telemetry.gauge('uplink_up', 1, { uplink: this.#uplink });
    if (downSeconds === null) return;
    this.#telemetry.log(
      'notice',
      'uplink_up',
      `uplink ${this.#uplink} is up again after ${Math.round(downSeconds)} s`,
      { uplink: this.#uplink },
    );
  }

  storeFailed(what: string, words: string): void {
    this.#telemetry.count('uplink_store_failures', { uplink: this.#uplink });
    this.#telemetry.log(
      'warning',
      'uplink_store_failed',
      `uplink ${this.#uplink}: the buffer did not ${what}: ${words}; will try again`,
      { uplink: this.#uplink },
    );
  }

  settlementRejected(what: string, words: string): void {
    this.#telemetry.count('uplink_settlements_rejected', { uplink: this.#uplink });
    this.#telemetry.log(
      'error',
      'uplink_settlement_rejected',
      `uplink ${this.#uplink}: the buffer calls it misuse to ${what}: ${words}; the readings are sent again after a restart`,
      { uplink: this.#uplink },
    );
  }

  backlog(figures: { readings: number; bytes: number; oldestSeconds: number; spentBytes: number }): void {
    const labels = { uplink: this.#uplink };
    this.#telemetry.gauge('uplink_waiting_readings', figures.readings, labels);
    this.#telemetry.gauge('uplink_waiting_bytes', figures.bytes, labels);
    this.#telemetry.gauge('uplink_oldest_seconds', figures.oldestSeconds, labels);
    this.#telemetry.gauge('uplink_budget_spent_bytes', figures.spentBytes, labels);
  }

  #readings(outcome: string, count: number): void {
    this.#telemetry.count('uplink_readings', { uplink: this.#uplink, outcome }, count);
  }

  #sent(outcome: string, batch: { bytes: number; seconds: number }): void {
    const labels = { uplink: this.#uplink };
    this.#telemetry.count('uplink_batches', { uplink: this.#uplink, outcome });
    this.#telemetry.count('uplink_sent_bytes', labels, batch.bytes);
    this.#telemetry.observe('uplink_send_seconds', batch.seconds, labels);
  }
}
