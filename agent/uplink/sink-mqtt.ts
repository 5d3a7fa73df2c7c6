import type { Millis } from '../base/units.ts';
import type { Publisher } from '../ports/publisher.ts';
import { oneLine } from './answer-words.ts';
import { uplinkLimits } from './limits.ts';
import type { OutgoingBatch, SendOutcome, Sink } from './sink.ts';

export interface MqttSinkOptions {
  /** Topic with `{agent}` and `{stream}`. */
  readonly topic: string;
  readonly timeoutMs?: Millis;
}

/** One QoS 1 publish a batch, taken when its PUBACK is there. */
export class MqttSink implements Sink {
  readonly kind = 'mqtt';
  readonly #options: MqttSinkOptions;
  readonly #publisher: Publisher;

  constructor(options: MqttSinkOptions, ports: { publisher: Publisher }) {
    this.#options = options;
    this.#publisher = ports.publisher;
  }

  start(): Promise<void> {
    return this.#publisher.start();
  }

  stop(): Promise<void> {
    return this.#publisher.stop();
  }

  async send(batch: OutgoingBatch): Promise<SendOutcome> {
    const bytes = batch.body.length;
    const answer = await this.#publisher.publish({
      topic: topicOf(this.#options.topic, batch),
      payload: batch.body,
      contentType: 'application/x-ndjson',
      userProperties: {
        agent: batch.agent,
        epoch: batch.epoch,
        stream: batch.stream,
        first: String(batch.first),
        count: String(batch.count),
        ...(batch.fidelity === 'raw' ? {} : { fidelity: batch.fidelity }),
      },
      timeoutMs: this.#options.timeoutMs ?? uplinkLimits.requestTimeoutMs,
    });
    if (answer.ok) return { kind: 'taken', bytes };
    const words = oneLine(answer.message);
    switch (answer.trouble) {
      case 'rejected':
        return rejected(answer.code, words, bytes);
      case 'too_big':
        return { kind: 'too_big', words, bytes: 0 };
      case 'denied':
        return { kind: 'later', words, bytes: 0, denied: true };
      case 'unreachable':
        return { kind: 'later', words, bytes: 0, unreachable: true };
      case 'timeout':
      case 'closed':
        return { kind: 'later', words, bytes };
    }
  }
}

/**
 * PUBACK reason codes (MQTT 5 §3.4.2.1). The batch is to blame for 0x90 (topic name invalid) and 0x99 (payload format invalid);
 * 0x87 (not authorized) is about us; the rest (unspecified, implementation specific, packet id in use, quota) passes.
 */
function rejected(code: number, words: string, bytes: number): SendOutcome {
  if (code === 0x90 || code === 0x99) return { kind: 'refused', words, bytes };
  if (code === 0x87) return { kind: 'later', words, bytes, denied: true };
  return { kind: 'later', words, bytes };
}

/** The template filled in. `/` in a stream's name makes levels, as it did on the way in; wildcards and NUL become `_`. */
export function topicOf(template: string, batch: { agent: string; stream: string }): string {
  return template
    .replaceAll('{agent}', () => topicSafe(batch.agent))
    .replaceAll('{stream}', () => topicSafe(batch.stream));
}

const topicSafe = (name: string): string => name.replaceAll(/[+#\0]/g, '_');
