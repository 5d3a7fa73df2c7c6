import type { MqttAck, MqttPublish } from '../ports/broker.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';
import type { AckMode, Arrival, ArrivalKind, InletPeer } from './arrival.ts';
import { deliveryHash, type DeliveryMarks } from './delivery-marks.ts';
import type { Inlet, InletOptions } from './inlet.ts';

/** The other side of a connection, as far as receiving needs it. */
export interface MqttWriter {
  acknowledge(acks: readonly MqttAck[]): void;
  pause(): void;
  resume(): void;
}

/** The intake, as sources see it. */
export interface InletOpener {
  open<A extends Arrival>(options: InletOptions, peer: InletPeer<A>): Inlet<A>;
}

export interface MqttReceiverOptions {
  readonly source: string;
  readonly ack: AckMode;
  readonly marks: DeliveryMarks;
  /** Unsettled messages at which the connection is paused. */
  readonly windowMax: number;
  /** Unsettled bytes at which the connection is paused; absent: the intake's default. */
  readonly bytesMax?: number;
  /** What we advertised (MQTT 5): messages beyond it are counted. Null where the protocol has no such thing. */
  readonly receiveMaximum: number | null;
  readonly clock: Clock;
  /** Messages beyond `receiveMaximum` since the last call. */
  readonly overshot: (count: number) => void;
  /** Marks of QoS 2 alone go to the store, or those of QoS 1 as well. */
  readonly storedMarks: 'qos2' | 'all' | 'none';
  /** Nobody is connected, and all that was taken in is settled. */
  readonly idle?: () => void;
}

interface MqttArrival extends Arrival {
  readonly ack: MqttAck['ack'] | null;
  readonly packetId: number;
  /** For {@link DeliveryMarks}, also where the store does not get it. */
  readonly known: DeliveryMark | null;
  /** The connection it came on: acknowledgements go to no other. */
  readonly generation: number;
}

/** Why nothing is read. */
const pauses = { intake: 1, window: 2, hold: 4 } as const;

/**
 * The receiving half of MQTT (3.1.1 and 5, §4.3): takes messages in, acknowledges them when they are settled, many in one write,
 * and recognises what was delivered before. It outlives connections: `attach` begins one, `detach` ends it. A
 * settlement acknowledges only on the connection its message came on.
 */
export class MqttReceiver {
  readonly #options: MqttReceiverOptions;
  readonly #inlet: Inlet<MqttArrival>;
  #writer: MqttWriter | null = null;
  #generation = 0;
  #unsettled = 0;
  /** Slots of Receive Maximum in use as the protocol counts them: QoS 1 until PUBACK, QoS 2 until PUBCOMP. */
  #slotsQos1 = 0;
  readonly #slotsQos2 = new Set<number>();
  #overshoot = 0;
  #paused = 0;

  constructor(options: MqttReceiverOptions, intake: InletOpener) {
    this.#options = options;
    const { source, ack, bytesMax } = options;
    this.#inlet = intake.open<MqttArrival>(
      { source, ack, sender: options.marks.sender, ...(bytesMax === undefined ? {} : { bytesMax }) },
      {
        settled: (arrivals) => this.#settled(arrivals),
        pause: () => this.#pause(pauses.intake),
        resume: () => this.#resume(pauses.intake),
      },
    );
  }

  /** Messages of this connection not yet settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Something that was taken in, on whatever connection, is not settled. */
  get busy(): boolean {
    return this.#inlet.bytes > 0;
  }

  get paused(): boolean {
    return this.#paused !== 0;
  }

  attach(writer: MqttWriter): void {
    this.#reset();
    this.#writer = writer;
    this.#paused &= ~pauses.window;
    if (this.#paused !== 0) writer.pause();
  }

  detach(): void {
    this.#writer = null;
    this.#reset();
  }

  /** Reads nothing more, and keeps the connection, so that what was taken in can still be acknowledged. */
  hold(): void {
    this.#pause(pauses.hold);
  }

  /** Nothing more will be offered. */
  close(): void {
    this.detach();
    this.#inlet.close();
  }

  publish(packet: MqttPublish): void {
    const { qos, packetId, dup, topic, payload } = packet;
    if (qos === 0) {
      this.#offer('message', packet, null, null);
      return;
    }
    this.#countSlot(qos, packetId);
    const message = { qos, dup, packetId, hash: deliveryHash(topic, payload) };
    const { marks } = this.#options;
    const duplicate = marks.knows(message);
    const mark = duplicate ? marks.markOf(message) : marks.take(message);
    this.#offer(duplicate ? 'duplicate' : 'message', packet, qos === 1 ? 'puback' : 'pubrec', mark);
  }

  /** PUBREL. */
  release(packetId: number): void {
    const mark = this.#options.marks.release(packetId);
    this.#offer('mark', { topic: '', payload: noBytes, packetId }, 'pubcomp', mark);
  }

  /** The sender has no session: what was seen of it is released. */
  releaseAll(): void {
    const none = { topic: '', payload: noBytes, packetId: 0 };
    for (const mark of this.#options.marks.releaseAll()) this.#offer('mark', none, null, mark);
  }

  #reset(): void {
    this.#generation++;
    this.#unsettled = 0;
    this.#slotsQos1 = 0;
    this.#slotsQos2.clear();
  }

  #offer(
    kind: ArrivalKind,
    packet: { readonly topic: string; readonly payload: Uint8Array; readonly packetId: number },
    ack: MqttAck['ack'] | null,
    known: DeliveryMark | null,
  ): void {
    const { storedMarks, clock } = this.#options;
    const stored = storedMarks === 'all' || (storedMarks === 'qos2' && ack !== 'puback');
    this.#unsettled++;
    this.#inlet.offer({
      kind,
      topic: packet.topic,
      payload: kind === 'message' ? packet.payload : noBytes,
      arrivalMicros: clock.wall(),
      stream: null,
      format: null,
      mark: stored && kind !== 'duplicate' ? known : null,
      gaveBack: ack === 'pubcomp',
      ownTime: false,
      progress: 'offered',
      verdict: 'waiting',
      detail: '',
      ack,
      packetId: packet.packetId,
      known,
      generation: this.#generation,
    });
    if (this.#unsettled >= this.#options.windowMax) this.#pause(pauses.window);
  }

  #countSlot(qos: 1 | 2, packetId: number): void {
    const { receiveMaximum } = this.#options;
    if (receiveMaximum === null) return;
    if (qos === 1) this.#slotsQos1++;
    else this.#slotsQos2.add(packetId);
    if (this.#slotsQos1 + this.#slotsQos2.size > receiveMaximum) this.#overshoot++;
  }

  #settled(arrivals: readonly MqttArrival[]): void {
    const acks: MqttAck[] = [];
    for (const arrival of arrivals) {
      const { ack, known, packetId } = arrival;
      const live = arrival.generation === this.#generation && this.#writer !== null;
      const acknowledged = live && ack !== null;
      if (known !== null) this.#options.marks.settled(known, { acknowledged, ownTime: arrival.ownTime });
      if (live) this.#unsettled--;
      if (!acknowledged) continue;
      if (ack === 'puback' && this.#slotsQos1 > 0) this.#slotsQos1--;
      else if (ack === 'pubcomp') this.#slotsQos2.delete(packetId);
      acks.push(arrival as MqttAck);
    }
    if (this.#overshoot > 0) this.#options.overshot(this.#overshoot);
    this.#overshoot = 0;
    if (acks.length > 0) this.#writer?.acknowledge(acks);
    if (this.#unsettled * 2 <= this.#options.windowMax) this.#resume(pauses.window);
    if (this.#writer === null && !this.busy) this.#options.idle?.();
  }

  #pause(why: number): void {
    if (this.#paused === 0) this.#writer?.pause();
    this.#paused |= why;
  }

  #resume(why: number): void {
    if (this.#paused === 0) return;
    this.#paused &= ~why;
    if (this.#paused === 0) this.#writer?.resume();
  }
}

const noBytes = new Uint8Array(0);
