import type { MqttPublish } from '../ports/broker.ts';
import { TopicTexts } from './mqtt-topic-texts.ts';

/** Who takes the packets apart from the stream. */
export interface FrameSink {
  publish(packet: MqttPublish): void;
  release(packetId: number): void;
  /** Any other packet, whole, as it came. False stops the splitter until `proceed`. */
  other(type: number, frame: Uint8Array): boolean;
}

/** MQTT control packet types (MQTT 5, table 2-1) that matter here. */
export const packetTypes = { connect: 1, connack: 2, publish: 3, pubrel: 6 } as const;

const empty = new Uint8Array(0);
/** Fixed header: one byte, and a length of at most four. */
const headerBytesMax = 5;

/**
 * Cuts the bytes a broker sends into packets (MQTT 3.1.1 and 5, §2). PUBLISH and PUBREL are parsed here; everything else is handed
 * on as it came. Bounded: at most one incomplete packet of `packetBytesMax` is kept. Payloads are views of the bytes pushed.
 */
export class FrameSplitter {
  readonly #sink: FrameSink;
  #version5: boolean;
  readonly #packetBytesMax: number;
  readonly #topics: TopicTexts;
  /** Bytes of the incomplete packet, in pieces; `#neededBytes` of them are wanted before the next look. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #neededBytes = 0;
  #stopped = false;
  #broken: string | null = null;

  constructor(options: {
    version: '3.1.1' | '5';
    packetBytesMax: number;
    sink: FrameSink;
    topics?: TopicTexts;
  }) {
    this.#topics = options.topics ?? new TopicTexts();
    this.#sink = options.sink;
    this.#version5 = options.version === '5';
    this.#packetBytesMax = options.packetBytesMax;
  }

  /** What follows is MQTT 5. */
  speak5(): void {
    this.#version5 = true;
  }

  /** Bytes kept for later. */
  get heldBytes(): number {
    return this.#pieceBytes;
  }

  /** Null, or what is wrong with the stream; after that nothing more is read. */
  push(bytes: Uint8Array): string | null {
    if (this.#broken !== null || bytes.length === 0) return this.#broken;
    if (this.#pieceBytes === 0) return this.#split(bytes);
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    if (this.#stopped || this.#pieceBytes < this.#neededBytes) return null;
    return this.#splitPieces();
  }

  /** Goes on after `other` answered false. */
  proceed(): string | null {
    if (!this.#stopped) return this.#broken;
    this.#stopped = false;
    return this.#pieceBytes > 0 ? this.#splitPieces() : null;
  }

  #splitPieces(): string | null {
    const pieces = this.#pieces;
    const whole = pieces.length === 1 ? pieces[0]! : joined(pieces, this.#pieceBytes);
    this.#pieces = [];
    this.#pieceBytes = 0;
    return this.#split(whole);
  }

  #split(bytes: Uint8Array): string | null {
    let at = 0;
    while (at < bytes.length && !this.#stopped) {
      // Remaining Length: a little-endian base-128 number of one to four bytes (§2.1.4).
      let length = 0;
      let scale = 1;
      let body = at + 1;
      let complete = false;
      while (body < bytes.length && body < at + headerBytesMax) {
        const byte = bytes[body++]!;
        length += (byte & 127) * scale;
        scale *= 128;
        if (byte < 128) {
          complete = true;
          break;
        }
      }
      if (!complete) {
        if (body === at + headerBytesMax) return this.#break('malformed packet length');
        this.#keep(bytes, at, bytes.length - at + 1);
        return null;
      }
      const end = body + length;
      if (end - at > this.#packetBytesMax)
        return this.#break(
          `packet of ${end - at} bytes, at most ${this.#packetBytesMax} are taken (max_packet)`,
        );
      if (end > bytes.length) {
        this.#keep(bytes, at, end - at);
        return null;
      }
      const wrong = this.#packet(bytes, at, body, end);
      if (wrong !== null) return this.#break(wrong);
      at = end;
    }
    if (at < bytes.length) this.#keep(bytes, at, 0);
    return null;
  }

  #packet(bytes: Uint8Array, at: number, body: number, end: number): string | null {
    const first = bytes[at]!;
    const type = first >> 4;
    if (type === packetTypes.publish) return this.#publish(bytes, first, body, end);
    if (type === packetTypes.pubrel) {
      if ((first & 15) !== 2 || end - body < 2) return 'malformed PUBREL';
      this.#sink.release(bytes[body]! * 256 + bytes[body + 1]!);
      return null;
    }
    if (!this.#sink.other(type, bytes.subarray(at, end))) this.#stopped = true;
    return null;
  }

  #publish(bytes: Uint8Array, first: number, body: number, end: number): string | null {
    const qos = (first >> 1) & 3;
    if (qos === 3) return 'malformed PUBLISH: QoS 3';
    if (end - body < 2) return 'malformed PUBLISH: no topic';
    const topicEnd = body + 2 + bytes[body]! * 256 + bytes[body + 1]!;
    let at = topicEnd + (qos > 0 ? 2 : 0);
    if (at > end) return 'malformed PUBLISH: topic longer than the packet';
    const topic = this.#topics.text(bytes, body + 2, topicEnd);
    // Topic aliases are not allowed by our CONNECT, so that an empty topic has no meaning.
    if (topic === null || topic === '') return 'malformed PUBLISH: topic is empty or no UTF-8';
    const packetId = qos > 0 ? bytes[topicEnd]! * 256 + bytes[topicEnd + 1]! : 0;
    if (qos > 0 && packetId === 0) return 'malformed PUBLISH: packet id 0';
    const propertiesAt = at;
    if (this.#version5) {
      at = afterProperties(bytes, at, end);
      if (at < 0) return 'malformed PUBLISH: properties longer than the packet';
    }
    const message: MqttPublish = {
      topic,
      payload: at === end ? empty : bytes.subarray(at, end),
      qos: qos as 0 | 1 | 2,
      dup: (first & 8) !== 0,
      retain: (first & 1) !== 0,
      packetId,
    };
    if (at <= propertiesAt + 1) this.#sink.publish(message);
    else this.#sink.publish({ ...message, properties: propertiesOf(bytes.subarray(propertiesAt, at)) });
    return null;
  }

  #keep(bytes: Uint8Array, from: number, neededBytes: number): void {
    this.#pieces.push(bytes.subarray(from));
    this.#pieceBytes = bytes.length - from;
    this.#neededBytes = neededBytes;
  }

  #break(what: string): string {
    this.#broken = what;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return what;
  }
}

/** Where the payload starts behind the properties (MQTT 5, §2.2.2), or -1. */
function afterProperties(bytes: Uint8Array, from: number, end: number): number {
  let length = 0;
  let scale = 1;
  for (let at = from; at < end && at < from + 4; at++) {
    const byte = bytes[at]!;
    length += (byte & 127) * scale;
    if (byte < 128) return at + 1 + length <= end ? at + 1 + length : -1;
    scale *= 128;
  }
  return -1;
}

/** Without their length, which takes one to four bytes. */
function propertiesOf(bytes: Uint8Array): Uint8Array {
  let from = 1;
  while (bytes[from - 1]! >= 128) from++;
  return bytes.subarray(from);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** PUBACK, PUBREC and PUBCOMP without reason code: the same four bytes in MQTT 3.1.1 and 5. */
const ackHeads = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;
export const ackFrameBytes = 4;

export function encodeAcks(
  acks: readonly { readonly ack: keyof typeof ackHeads; readonly packetId: number }[],
): Uint8Array {
  const bytes = new Uint8Array(acks.length * ackFrameBytes);
  let at = 0;
  for (const { ack, packetId } of acks) {
    bytes[at++] = ackHeads[ack];
    bytes[at++] = 2;
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 255;
  }
  return bytes;
}
