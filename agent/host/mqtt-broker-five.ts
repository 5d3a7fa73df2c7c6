import { fourBytes, propertiesIn, propertyIds, variableLength } from './mqtt-broker-properties.ts';
import { brokerLimits } from './mqtt-limits.ts';

/** What an MQTT 5 client said in its CONNECT, as far as it concerns what it is sent. */
export interface FiveClient {
  /** PUBLISH packets of QoS 1 and 2 it takes unacknowledged. */
  readonly receiveMaximum: number;
  /** Larger packets it does not take. */
  readonly packetBytesMax: number;
  /** What CONNACK tells it. */
  readonly greeting: Greeting;
}

export interface Greeting {
  readonly receiveMaximum: number;
  readonly packetBytesMax: number;
  /** Null: as the client asked. */
  readonly sessionExpirySeconds: number | null;
  readonly assignedClientId: string | null;
}

export interface FiveSink {
  /** To the client. */
  send(bytes: Uint8Array): void;
  /** To aedes, as if the client had said it. */
  answer(frame: Uint8Array): void;
  /** The client wants its session kept for so long after all. */
  expiry(seconds: number): void;
  /** The connection ends without a word, so that the will is published. */
  vanish(): void;
  /** A message was too large for the client. */
  tooLarge(): void;
  broken(what: string): void;
}

const types = {
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubcomp: 7,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  disconnect: 14,
} as const;
/** CONNACK: 3.1.1 (§3.2.2.3) to 5 (§3.2.2.2). */
const connackCodes: Readonly<Record<number, number>> = { 0: 0, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };
const refusedByServer = 0x87;
const withWill = 0x04;

/**
 * One MQTT 5 client, seen by aedes, which writes 3.1.1. aedes' parser reads both, so that only a few packets change on their way: CONNACK,
 * SUBACK and UNSUBACK get their codes and properties; a PUBLISH comes with its properties before the payload already. Receive Maximum and
 * Maximum Packet Size of the client are kept here: what exceeds the first waits, what exceeds the second is dropped (§3.1.2.11.4).
 */
export class FiveSide {
  readonly #sink: FiveSink;
  #client: FiveClient | null = null;
  /** Packet ids sent and not acknowledged. */
  readonly #underway = new Set<number>();
  #held: { readonly id: number; readonly frame: Uint8Array }[] = [];
  #heldBytes = 0;
  /** Filters of UNSUBSCRIBE packets that wait for their answer. */
  readonly #unsubscribes = new Map<number, number>();
  #rest = Buffer.alloc(0);

  constructor(sink: FiveSink) {
    this.#sink = sink;
  }

  connected(client: FiveClient): void {
    this.#client = client;
  }

  /** What aedes is to read instead of a packet of the client; null: nothing. */
  incoming(type: number, frame: Uint8Array): Uint8Array | null {
    const body = bodyOf(frame);
    const id = (body[0] ?? 0) * 256 + (body[1] ?? 0);
    if (type === types.puback || type === types.pubcomp) this.#acknowledged(id);
    else if (type === types.pubrec && (body[2] ?? 0) >= 0x80) {
      // The client refuses the message: nothing more is said about it (§4.3.3).
      this.#acknowledged(id);
      return Buffer.from([types.pubcomp << 4, 2, body[0]!, body[1]!]);
    } else if (type === types.unsubscribe) {
      if (this.#unsubscribes.size >= brokerLimits.filters) this.#sink.broken('flood of UNSUBSCRIBE');
      else this.#unsubscribes.set(id, filtersIn(body));
    } else if (type === types.disconnect) return this.#disconnect(frame, body);
    return frame;
  }

  /** What the client is to read instead of what aedes wrote: any number of packets, the last perhaps incomplete. */
  outgoing(bytes: Uint8Array): Buffer {
    const all = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const out: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const end = frameEnd(all, at);
      if (end === null) break;
      const frame = this.#packet(all.subarray(at, end));
      if (frame !== null) out.push(frame);
      at = end;
    }
    this.#rest = all.subarray(at);
    return Buffer.concat(out);
  }

  #packet(frame: Buffer): Uint8Array | null {
    const type = frame[0]! >> 4;
    const body = bodyOf(frame);
    if (type === types.publish) return this.#publish(frame, body);
    if (type === types.connack) return this.#connack(body);
    if (type === types.suback) {
      const codes = body.subarray(2).map((code) => (code === 0x80 ? refusedByServer : code));
      return packet(frame[0]!, [body.subarray(0, 2), noPropertiesHere, codes]);
    }
    if (type === types.unsuback) {
      const id = body[0]! * 256 + body[1]!;
      const codes = Buffer.alloc(this.#unsubscribes.get(id) ?? 1);
      this.#unsubscribes.delete(id);
      return packet(frame[0]!, [body.subarray(0, 2), noPropertiesHere, codes]);
    }
    return frame;
  }

  #connack(body: Uint8Array): Uint8Array {
    const code = connackCodes[body[1]!] ?? 0x80;
    const greeting = code === 0 ? this.#client?.greeting : undefined;
    const properties = greeting === undefined ? Buffer.alloc(0) : greetingProperties(greeting);
    return packet(types.connack << 4, [
      Buffer.from([body[0]!, code]),
      variableLength(properties.length),
      properties,
    ]);
  }

  #publish(frame: Buffer, body: Uint8Array): Uint8Array | null {
    const { receiveMaximum = 65_535, packetBytesMax = Number.POSITIVE_INFINITY } = this.#client ?? {};
    const qos = (frame[0]! >> 1) & 3;
    const idAt = 2 + body[0]! * 256 + body[1]!;
    const id = qos === 0 ? 0 : body[idAt]! * 256 + body[idAt + 1]!;
    if (frame.length > packetBytesMax) {
      this.#sink.tooLarge();
      const type = qos === 1 ? types.puback : types.pubcomp;
      if (qos > 0) this.#sink.answer(Buffer.from([type << 4, 2, id >> 8, id & 255]));
      return null;
    }
    if (qos === 0 || this.#underway.has(id)) return frame;
    if (this.#underway.size < receiveMaximum) {
      this.#underway.add(id);
      return frame;
    }
    this.#held.push({ id, frame });
    this.#heldBytes += frame.length;
    if (this.#heldBytes > brokerLimits.heldBytes) this.#sink.broken('message now and then and takes too few');
    return null;
  }

  #acknowledged(id: number): void {
    if (!this.#underway.delete(id)) return;
    const next = this.#held.shift();
    if (next === undefined) return;
    this.#heldBytes -= next.frame.length;
    this.#underway.add(next.id);
    this.#sink.send(next.frame);
  }

  #disconnect(frame: Uint8Array, body: Uint8Array): Uint8Array | null {
    if (body.length > 1) {
      const from = 1 + variableEnd(body, 1);
      try {
        for (const { id, to } of propertiesIn(body.subarray(from)))
          if (id === propertyIds.sessionExpiry) this.#sink.expiry(fourBytes(body.subarray(from), to));
      } catch {
        this.#sink.broken('malformed DISCONNECT');
        return null;
      }
    }
    if (body[0] !== withWill) return frame;
    this.#sink.vanish();
    return null;
  }
}

const noPropertiesHere = Buffer.from([0]);

function greetingProperties(greeting: Greeting): Buffer {
  const { receiveMaximum, packetBytesMax, sessionExpirySeconds, assignedClientId } = greeting;
  const numbers = Buffer.alloc(12);
  numbers[0] = 0x21;
  numbers.writeUInt16BE(receiveMaximum, 1);
  numbers[3] = 0x27;
  numbers.writeUInt32BE(packetBytesMax, 4);
  // Subscription identifiers and shared subscriptions are not available.
  numbers.set([0x29, 0, 0x2a, 0], 8);
  const parts: Buffer[] = [numbers];
  if (sessionExpirySeconds !== null) {
    const expiry = Buffer.alloc(5);
    expiry[0] = propertyIds.sessionExpiry;
    expiry.writeUInt32BE(sessionExpirySeconds, 1);
    parts.push(expiry);
  }
  if (assignedClientId !== null) {
    const text = Buffer.from(assignedClientId);
    parts.push(Buffer.from([0x12, text.length >> 8, text.length & 255]), text);
  }
  return Buffer.concat(parts);
}

function packet(first: number, parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([first]), variableLength(length), ...parts]);
}

/** Bytes of the Variable Byte Integer at `at`. */
function variableEnd(bytes: Uint8Array, at: number): number {
  let length = 1;
  while (length < 4 && (bytes[at + length - 1] ?? 0) >= 128) length++;
  return length;
}

function variableAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0, scale = 1; i < 4; i++, scale *= 128) {
    const byte = bytes[at + i] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return value;
}

const bodyOf = (frame: Uint8Array): Uint8Array => frame.subarray(1 + variableEnd(frame, 1));

/** Where the packet at `at` ends; null while it is incomplete. */
function frameEnd(bytes: Uint8Array, at: number): number | null {
  if (at + 2 > bytes.length) return null;
  const end = at + 1 + variableEnd(bytes, at + 1) + variableAt(bytes, at + 1);
  return end > bytes.length ? null : end;
}

function filtersIn(body: Uint8Array): number {
  let at = 2 + variableEnd(body, 2) + variableAt(body, 2);
  let count = 0;
  for (; at + 2 <= body.length; count++) at += 2 + body[at]! * 256 + body[at + 1]!;
  return count;
}

/** The protocol version a CONNECT asks for (§3.1.2.2), or 0. */
export function versionOf(connect: Uint8Array): number {
  const body = bodyOf(connect);
  return body[2 + (body[0] ?? 0) * 256 + (body[1] ?? 0)] ?? 0;
}

/** A CONNACK that refuses. */
export const connackOf = (code: number): Buffer => Buffer.from([types.connack << 4, 3, 0, code, 0]);
/** The server's DISCONNECT with its reason (§3.14.2.1). */
export const disconnectOf = (code: number): Buffer => Buffer.from([types.disconnect << 4, 1, code]);
