import { assert } from '../base/assert.ts';
import { millis } from '../base/units.ts';
import type { MqttCloseReason, MqttLink, MqttLinkOptions, MqttLinks } from '../ports/broker.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { AckMode } from './arrival.ts';
import { Backoff } from './backoff.ts';
import { limits } from './limits.ts';
import type { MarkKeeper } from './mark-keeper.ts';
import {
  mqttClosed,
  mqttConnected,
  mqttOvershoot,
  mqttRefused,
  mqttSubscriptionRefused,
} from './mqtt-events.ts';
import { MqttReceiver, type InletOpener } from './mqtt-receiver.ts';

export interface MqttSourceOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly ack: AckMode;
  /** Subscribes as one of a group that shares the messages (`$share/GROUP/…`). */
  readonly sharedGroup?: string;
  /** Shortest and longest wait before a new connection. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly link: MqttLinkOptions;
}

export interface MqttSourceDependencies {
  readonly links: MqttLinks;
  readonly intake: InletOpener;
  readonly marks: Pick<MarkKeeper, 'of'>;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
}

export interface MqttSourceState {
  readonly state: 'stopped' | 'connecting' | 'connected' | 'waiting';
  /** Monotonic. */
  readonly sinceMs: number;
  /** Monotonic time of the next attempt, while `waiting`. */
  readonly retryAtMs: number | null;
  /** Why the last connection ended, or which subscription is refused; '' when all is well. */
  readonly reason: string;
  /** Messages taken in on this connection and not yet settled. */
  readonly unsettled: number;
  readonly paused: boolean;
}

/**
 * A subscription at a broker: keeps one connection and takes its messages in. What a broken connection left unacknowledged
 * comes again on the next one, and is recognised by its marks. One object runs once: start, then stop.
 */
export class MqttSource {
  readonly #options: MqttSourceOptions;
  readonly #dependencies: MqttSourceDependencies;
  readonly #backoff: Backoff;
  #receiver: MqttReceiver | null = null;
  #link: MqttLink | null = null;
  #alarm: Alarm | null = null;
  #state: MqttSourceState['state'] = 'stopped';
  #sinceMs = 0;
  #retryAtMs: number | null = null;
  #reason = '';
  /** Every filter was granted once in this run. */
  #subscribed = false;

  constructor(options: MqttSourceOptions, dependencies: MqttSourceDependencies) {
    const { receiveMaximum } = options.link;
    assert(receiveMaximum >= 1 && receiveMaximum <= limits.receiveMaximumMax, 'receive maximum in 1 … 65535');
    this.#options = options;
    this.#dependencies = dependencies;
    this.#backoff = new Backoff({
      minMs: options.backoffMsMin,
      maxMs: options.backoffMsMax,
      entropy: dependencies.entropy,
    });
  }

  async start(): Promise<void> {
    if (this.#state !== 'stopped') return;
    const { name, ack, link } = this.#options;
    const { telemetry, clock, intake } = this.#dependencies;
    this.#enter('connecting', '');
    const marks = await this.#dependencies.marks.of(name, limits.sourceMarks);
    // Stopped while the marks were read.
    if ((this.#state as MqttSourceState['state']) === 'stopped') return;
    const version5 = link.version === '5';
    this.#receiver = new MqttReceiver(
      {
        source: name,
        ack,
        marks,
        windowMax: version5 ? link.receiveMaximum * limits.overshootFactor : link.receiveMaximum,
        receiveMaximum: version5 ? link.receiveMaximum : null,
        clock,
        overshot: (count) => mqttOvershoot(telemetry, name, count),
        storedMarks: link.clean ? 'none' : 'all',
      },
      intake,
    );
    this.#connect(this.#receiver);
  }

  /** Reads nothing more, and keeps the connection, so that what was taken in can still be acknowledged before `stop`. */
  hold(): void {
    this.#receiver?.hold();
  }

  stop(): void {
    this.#enter('stopped', '');
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#receiver?.close();
    this.#receiver = null;
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  inspect(): MqttSourceState {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      retryAtMs: this.#retryAtMs,
      reason: this.#reason,
      unsettled: this.#receiver?.unsettled ?? 0,
      paused: this.#receiver?.paused ?? false,
    };
  }

  #enter(state: MqttSourceState['state'], reason: string): void {
    this.#state = state;
    this.#sinceMs = this.#dependencies.clock.monotonic();
    this.#retryAtMs = null;
    this.#reason = reason;
  }

  #connect(receiver: MqttReceiver): void {
    const link: MqttLink = this.#dependencies.links.open(this.#options.link, {
      connected: ({ sessionPresent }) => {
        if (this.#link === link) this.#connected(receiver, link, sessionPresent);
      },
      publish: (packet) => receiver.publish(packet),
      release: (packetId) => receiver.release(packetId),
      closed: (reason) => {
        if (this.#link === link) this.#closed(receiver, reason);
      },
    });
    this.#link = link;
  }

  #connected(receiver: MqttReceiver, link: MqttLink, sessionPresent: boolean): void {
    const { telemetry } = this.#dependencies;
    this.#enter('connected', '');
    mqttConnected(telemetry, this.#options.name, sessionPresent);
    receiver.attach(link);
    if (!sessionPresent) receiver.releaseAll();
    // A session of an earlier run may lack a topic that was configured since.
    if (!sessionPresent || !this.#subscribed) void this.#subscribe(link);
  }

  async #subscribe(link: MqttLink): Promise<void> {
    const { topics, qos, sharedGroup, name } = this.#options;
    const filters =
      sharedGroup === undefined ? topics : topics.map((topic) => `$share/${sharedGroup}/${topic}`);
    const refusals: string[] = [];
    try {
      for (let i = 0; i < filters.length; i += limits.filtersPerSubscribe) {
        const some = filters.slice(i, i + limits.filtersPerSubscribe);
        for (const { filter, message } of await link.subscribe(some, qos))
          refusals.push(`${filter}: ${message}`);
      }
    } catch {
      // The connection ended first; `closed` reports it and the next connection subscribes.
      return;
    }
    if (this.#link !== link) return;
    this.#subscribed = refusals.length === 0;
    if (this.#subscribed) return;
    this.#reason = `subscription refused: ${refusals.join('; ')}`;
    mqttSubscriptionRefused(this.#dependencies.telemetry, name, refusals);
    if (refusals.length === filters.length) link.close();
  }

  #closed(receiver: MqttReceiver, reason: MqttCloseReason): void {
    const { telemetry, clock } = this.#dependencies;
    const lastedMs = clock.monotonic() - this.#sinceMs;
    if (this.#state === 'connected' && lastedMs >= limits.connectionGoodMs) this.#backoff.reset();
    this.#link = null;
    receiver.detach();
    const delayMs = this.#backoff.nextMs();
    // Keeps the words about a refused subscription, which is why the link was closed.
    const words = reason.kind === 'asked' && this.#reason !== '' ? this.#reason : reason.message;
    this.#enter('waiting', words);
    this.#retryAtMs = this.#sinceMs + delayMs;
    if (reason.kind === 'refused') mqttRefused(telemetry, this.#options.name, words, delayMs);
    else mqttClosed(telemetry, this.#options.name, { kind: reason.kind, message: words }, delayMs);
    this.#alarm = clock.after(millis(delayMs), () => {
      this.#alarm = null;
      this.#enter('connecting', this.#reason);
      this.#connect(receiver);
    });
  }
}
