import type { Alarm, Clock } from '../ports/clock.ts';
import type { Publisher } from '../ports/publisher.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { millis } from '../base/units.ts';

/** Messages one outbox holds while its broker is away; beyond them the oldest go, for an alarm is news. */
const messagesMax = 256;
/** From one attempt to the next, doubled up to the second figure: a broker that restarts is back within seconds. */
const retryDelayMs = 1000;
const retryDelayMsMax = 30_000;
/** From the call to the PUBACK. */
const timeoutMs = millis(10_000);

export interface AlarmMessage {
  readonly stream: string;
  readonly topic: string;
  /** JSON. */
  readonly payload: string;
}

/**
 * Carries messages about alarms to one broker, in order, one at a time and with QoS 1, whatever becomes of the cloud. It is in memory:
 * what a restart loses is in the stream of the alarms all the same.
 */
export class AlarmOutbox {
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #source: string;
  readonly #waiting: AlarmMessage[] = [];
  #isSending = false;
  #isStopped = false;
  #delayMs = retryDelayMs;
  #retry: Alarm | null = null;

  constructor(options: { publisher: Publisher; clock: Clock; telemetry: Telemetry; source: string }) {
    this.#publisher = options.publisher;
    this.#clock = options.clock;
    this.#telemetry = options.telemetry;
    this.#source = options.source;
  }

  send(message: AlarmMessage): void {
    if (this.#isStopped) return;
    if (this.#waiting.length >= messagesMax) {
      this.#waiting.shift();
      messageDropped(this.#telemetry, this.#source);
    }
    this.#waiting.push(message);
    if (this.#retry === null) void this.#drain();
  }

  /** What waits is given up. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#waiting.length = 0;
    await this.#publisher.stop();
  }

  async #drain(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    await this.#publisher.start();
    while (this.#waiting.length > 0 && !this.#isStopped) {
      const message = this.#waiting[0]!;
      const answer = await this.#publisher.publish({
        topic: message.topic,
        payload: new TextEncoder().encode(message.payload),
        contentType: 'application/json',
        userProperties: { stream: message.stream },
        timeoutMs,
      });
      if (this.#isStopped) break;
      const isFinal = answer.ok || answer.trouble === 'rejected' || answer.trouble === 'too_big';
      if (isFinal && this.#waiting[0] === message) this.#waiting.shift();
      if (answer.ok) {
        this.#delayMs = retryDelayMs;
        this.#telemetry.count('alarm_messages', { source: this.#source, outcome: 'sent' });
      } else if (isFinal) messageRefused(this.#telemetry, this.#source, answer.message);
      else {
        messageDelayed(this.#telemetry, {
          source: this.#source,
          waiting: this.#waiting.length,
          reason: answer.message,
        });
        this.#retryLater();
        break;
      }
    }
    this.#isSending = false;
  }

  #retryLater(): void {
    this.#retry = this.#clock.after(millis(this.#delayMs), () => {
      this.#retry = null;
      void this.#drain();
    });
    this.#delayMs = Math.min(this.#delayMs * 2, retryDelayMsMax);
  }
}

function messageDropped(telemetry: Telemetry, source: string): void {
  telemetry.count('alarm_messages', { source, outcome: 'dropped' });
  telemetry.log(
    'warning',
    'alarm.dropped',
    `alarm messages by way of ${source}: too many wait, the oldest is given up`,
    {
      source,
    },
  );
}

function messageRefused(telemetry: Telemetry, source: string, reason: string): void {
  telemetry.count('alarm_messages', { source, outcome: 'refused' });
  telemetry.log(
    'warning',
    'alarm.refused',
    `the broker of ${source} refused a message about an alarm: ${reason}`,
    {
      source,
      reason,
    },
  );
}

function messageDelayed(
  telemetry: Telemetry,
  event: { source: string; waiting: number; reason: string },
): void {
  const { source, waiting, reason } = event;
  telemetry.count('alarm_messages', { source, outcome: 'delayed' });
  telemetry.log(
    'warning',
    'alarm.delayed',
    `${waiting} alarm messages wait for the broker of ${source}: ${reason}`,
    event,
  );
}
