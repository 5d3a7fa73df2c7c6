import { assert } from '../base/assert.ts';
import { millis } from '../base/units.ts';
import type {
  MqttAck,
  MqttCloseReason,
  MqttLink,
  MqttLinkOptions,
  MqttLinks,
  MqttPublish,
} from '../ports/broker.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';
import type { AckMode, Arrival, ArrivalKind, InletPeer } from './arrival.ts';
import { Backoff } from './backoff.ts';
import { DeliveryMarks, FlatSlots, deliveryHash } from './delivery-marks.ts';
import {
  mqttClosed,
  mqttConnected,
  mqttOvershoot,
  mqttRefused,
  mqttSubscriptionRefused,
} from './mqtt-events.ts';
import type { Inlet, InletOptions } from './inlet.ts';
import { limits } from './limits.ts';

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
  readonly intake: {
    open<A extends Arrival>(options: InletOptions, peer: InletPeer<A>): Inlet<A>;
  };
  /** The marks the store holds of this source, oldest first. */
  readonly marks: (source: string) => Promise<readonly DeliveryMark[]>;
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

interface MqttArrival extends Arrival {
  readonly ack: MqttAck['ack'] | null;
  readonly packetId: number;
  /** The connection it came on: acknowledgements go to no other. */
  readonly generation: number;
}

/** Why the socket is not read. */
const pauses = { intake: 1, window: 2, hold: 4 } as const;

/**
 * A subscription at a broker: keeps one connection, takes its messages in, and acknowledges them after their commit, many
 * in one write. What a broken connection left unacknowledged comes again on the next one, and is recognised by its marks.
 */
export class MqttSource {
  readonly #options: MqttSourceOptions;
  readonly #dependencies: MqttSourceDependencies;
  readonly #backoff: Backoff;
  readonly #marks: DeliveryMarks;
  /** Unsettled messages at which the socket is paused: the local bound behind Receive Maximum. */
  readonly #windowMax: number;
  #inlet: Inlet<MqttArrival> | null = null;
  #link: MqttLink | null = null;
  #linkUp = false;
  #generation = 0;
  #alarm: Alarm | null = null;
  #state: MqttSourceState['state'] = 'stopped';
  #sinceMs = 0;
  #retryAtMs: number | null = null;
  #reason = '';
  #unsettled = 0;
  /** Slots of Receive Maximum in use as the protocol counts them: QoS 1 until PUBACK, QoS 2 until PUBCOMP. */
  #slotsQos1 = 0;
  readonly #slotsQos2 = new Set<number>();
  /** Messages beyond Receive Maximum since the last settlement. */
  #overshoot = 0;
  #paused = 0;
  #subscribed = false;

  constructor(options: MqttSourceOptions, dependencies: MqttSourceDependencies) {
    const { receiveMaximum, version } = options.link;
    assert(receiveMaximum >= 1 && receiveMaximum <= limits.receiveMaximumMax, 'receive maximum in 1 … 65535');
    this.#options = options;
    this.#dependencies = dependencies;
    this.#backoff = new Backoff({
      minMs: options.backoffMsMin,
      maxMs: options.backoffMsMax,
      entropy: dependencies.entropy,
    });
    this.#marks = new DeliveryMarks(options.name, new FlatSlots());
    this.#windowMax = version === '5' ? receiveMaximum * limits.overshootFactor : receiveMaximum;
  }

  async start(): Promise<void> {
    if (this.#state !== 'stopped') return;
    this.#enter('connecting', '');
    this.#marks.load(await this.#dependencies.marks(this.#options.name));
    // Stopped while the marks were read.
    if ((this.#state as MqttSourceState['state']) === 'stopped') return;
    this.#inlet = this.#dependencies.intake.open<MqttArrival>(
      { source: this.#options.name, ack: this.#options.ack },
      {
        settled: (arrivals) => this.#settled(arrivals),
        pause: () => this.#pause(pauses.intake),
        resume: () => this.#resume(pauses.intake),
      },
    );
    this.#connect();
  }

  /** Reads nothing more, and keeps the connection, so that what was taken in can still be acknowledged before `stop`. */
  hold(): void {
    this.#pause(pauses.hold);
  }

  stop(): void {
    this.#enter('stopped', '');
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#inlet?.close();
    this.#inlet = null;
    this.#link?.close();
  }

  inspect(): MqttSourceState {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      retryAtMs: this.#retryAtMs,
      reason: this.#reason,
      unsettled: this.#unsettled,
      paused: this.#paused !== 0,
    };
  }

  #enter(state: MqttSourceState['state'], reason: string): void {
    this.#state = state;
    this.#sinceMs = this.#dependencies.clock.monotonic();
    this.#retryAtMs = null;
    this.#reason = reason;
  }

  #connect(): void {
    this.#generation++;
    this.#linkUp = false;
    this.#unsettled = 0;
    this.#slotsQos1 = 0;
    this.#slotsQos2.clear();
    this.#paused &= ~pauses.window;
    const generation = this.#generation;
    this.#link = this.#dependencies.links.open(this.#options.link, {
      connected: ({ sessionPresent }) => this.#connected(sessionPresent),
      publish: (packet) => this.#publish(packet),
      release: (packetId) => this.#release(packetId),
      closed: (reason) => {
        if (generation === this.#generation) this.#closed(reason);
      },
    });
    if (this.#paused !== 0) this.#link.pause();
  }

  #connected(sessionPresent: boolean): void {
    if (this.#state !== 'connecting') return;
    this.#linkUp = true;
    this.#enter('connected', '');
    mqttConnected(this.#dependencies.telemetry, this.#options.name, sessionPresent);
    if (!sessionPresent) for (const mark of this.#marks.releaseAll()) this.#offerMark(mark, null);
    // A session of an earlier run may lack a topic that was configured since.
    if (!sessionPresent || !this.#subscribed) void this.#subscribe();
  }

  async #subscribe(): Promise<void> {
    const { topics, qos, sharedGroup, name } = this.#options;
    const generation = this.#generation;
    const link = this.#link;
    if (link === null) return;
    const filters =
      sharedGroup === undefined ? topics : topics.map((topic) => `$share/${sharedGroup}/${topic}`);
    try {
      const refusals: string[] = [];
      for (let i = 0; i < filters.length; i += limits.filtersPerSubscribe) {
        const some = filters.slice(i, i + limits.filtersPerSubscribe);
        for (const { filter, message } of await link.subscribe(some, qos))
          refusals.push(`${filter}: ${message}`);
      }
      if (generation !== this.#generation || this.#state !== 'connected') return;
      this.#subscribed = refusals.length === 0;
      if (this.#subscribed) return;
      this.#reason = `subscription refused: ${refusals.join('; ')}`;
      mqttSubscriptionRefused(this.#dependencies.telemetry, name, refusals);
      if (refusals.length === filters.length) link.close();
    } catch {
      // The connection ended first; `closed` reports it and the next connection subscribes.
    }
  }

  #publish(packet: MqttPublish): void {
    const inlet = this.#inlet;
    if (inlet === null) return;
    const { qos, packetId, topic, payload } = packet;
    if (qos === 0) {
      inlet.offer(this.#arrival('message', packet, null, null));
      this.#taken();
      return;
    }
    this.#countSlot(qos, packetId);
    const message = { qos, dup: packet.dup, packetId, hash: deliveryHash(topic, payload) };
    const kind: ArrivalKind = this.#marks.knows(message) ? 'duplicate' : 'message';
    const mark = kind === 'message' ? this.#marks.take(message) : null;
    inlet.offer(this.#arrival(kind, packet, qos === 1 ? 'puback' : 'pubrec', mark));
    this.#taken();
  }

  #release(packetId: number): void {
    const mark = this.#marks.release(packetId);
    this.#offerMark(mark, { ack: 'pubcomp', packetId });
  }

  #offerMark(mark: DeliveryMark | null, ack: MqttAck | null): void {
    const none = { topic: '', payload: noBytes, packetId: ack?.packetId ?? 0 };
    this.#inlet?.offer(this.#arrival('mark', none, ack?.ack ?? null, mark));
    this.#taken();
  }

  #arrival(
    kind: ArrivalKind,
    packet: { readonly topic: string; readonly payload: Uint8Array; readonly packetId: number },
    ack: MqttAck['ack'] | null,
    mark: DeliveryMark | null,
  ): MqttArrival {
    return {
      kind,
      topic: packet.topic,
      payload: kind === 'message' ? packet.payload : noBytes,
      arrivalMicros: this.#dependencies.clock.wall(),
      stream: null,
      decoder: null,
      mark,
      ownTime: false,
      verdict: 'waiting',
      detail: '',
      ack,
      packetId: packet.packetId,
      generation: this.#generation,
    };
  }

  #taken(): void {
    this.#unsettled++;
    if (this.#unsettled >= this.#windowMax) this.#pause(pauses.window);
  }

  #countSlot(qos: 1 | 2, packetId: number): void {
    if (qos === 1) this.#slotsQos1++;
    else this.#slotsQos2.add(packetId);
    const used = this.#slotsQos1 + this.#slotsQos2.size;
    if (this.#options.link.version !== '5' || used <= this.#options.link.receiveMaximum) return;
    this.#overshoot++;
  }

  #settled(arrivals: readonly MqttArrival[]): void {
    const acks: MqttAck[] = [];
    for (const arrival of arrivals) {
      const live = arrival.generation === this.#generation;
      const acknowledged = live && this.#linkUp && arrival.ack !== null;
      if (arrival.mark !== null)
        this.#marks.settled(arrival.mark, { acknowledged, ownTime: arrival.ownTime });
      if (live) this.#unsettled--;
      if (!acknowledged) continue;
      if (arrival.ack === 'puback') this.#slotsQos1--;
      else if (arrival.ack === 'pubcomp') this.#slotsQos2.delete(arrival.packetId);
      acks.push(arrival as MqttAck);
    }
    if (this.#overshoot > 0) mqttOvershoot(this.#dependencies.telemetry, this.#options.name, this.#overshoot);
    this.#overshoot = 0;
    if (acks.length > 0) this.#link?.acknowledge(acks);
    if (this.#unsettled * 2 <= this.#windowMax) this.#resume(pauses.window);
  }

  #closed(reason: MqttCloseReason): void {
    const wasConnected = this.#state === 'connected';
    const lastedMs = this.#dependencies.clock.monotonic() - this.#sinceMs;
    this.#linkUp = false;
    this.#link = null;
    this.#generation++;
    this.#unsettled = 0;
    if (this.#state === 'stopped') return;
    if (wasConnected && lastedMs >= limits.connectionGoodMs) this.#backoff.reset();
    const delayMs = this.#backoff.nextMs();
    // Keeps the words about a refused subscription, which is why the link was closed.
    const words = reason.kind === 'asked' && this.#reason !== '' ? this.#reason : reason.message;
    this.#enter('waiting', words);
    this.#retryAtMs = this.#sinceMs + delayMs;
    const { telemetry, clock } = this.#dependencies;
    if (reason.kind === 'refused') mqttRefused(telemetry, this.#options.name, words, delayMs);
    else mqttClosed(telemetry, this.#options.name, reason, delayMs);
    this.#alarm = clock.after(millis(delayMs), () => {
      this.#alarm = null;
      this.#enter('connecting', this.#reason);
      this.#connect();
    });
  }

  #pause(why: number): void {
    if (this.#paused === 0) this.#link?.pause();
    this.#paused |= why;
  }

  #resume(why: number): void {
    if (this.#paused === 0) return;
    this.#paused &= ~why;
    if (this.#paused === 0) this.#link?.resume();
  }
}

const noBytes = new Uint8Array(0);
