import { ByteReader, MalformedBytes } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { type MessageProperties, noProperties } from './mqtt-broker-properties.ts';

export type Qos = 0 | 1 | 2;

/** How a client wants what a filter takes. Retain handling, retain as published and no local are MQTT 5's (§3.8.3.1). */
export interface Subscription {
  readonly qos: Qos;
  readonly rh: number;
  readonly rap: boolean;
  readonly nl: boolean;
  /** MQTT 5; 0: none. */
  readonly identifier: number;
}

/** A change of what the broker remembers for subscribers. Applying one twice in a row changes nothing. */
export type SessionRecord =
  /** `leftMs`: wall clock in ms at which the client left, 0 while it is here. `expiryMs`: how long it is kept from then on. */
  | {
      readonly kind: 'session';
      readonly number: number;
      readonly clientId: string;
      readonly owner: string | null;
      readonly leftMs: number;
      readonly expiryMs: number;
    }
  | { readonly kind: 'end'; readonly number: number }
  | {
      readonly kind: 'subscribe';
      readonly number: number;
      readonly filter: string;
      readonly subscription: Subscription;
    }
  | { readonly kind: 'unsubscribe'; readonly number: number; readonly filter: string }
  /** A message and the sessions that have not acknowledged it, each with its QoS. Counters only grow. */
  | {
      readonly kind: 'message';
      readonly counter: number;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly properties: MessageProperties;
      readonly recipients: readonly (readonly [number: number, qos: Qos])[];
    }
  /** `released`: PUBREC has come, only PUBREL is owed. */
  | {
      readonly kind: 'sent';
      readonly number: number;
      readonly counter: number;
      readonly packetId: number;
      readonly released: boolean;
    }
  | { readonly kind: 'done'; readonly number: number; readonly counter: number }
  /** An empty payload takes the topic's message away. */
  | {
      readonly kind: 'retained';
      readonly topic: string;
      readonly qos: Qos;
      readonly payload: Uint8Array;
      readonly properties: MessageProperties;
    }
  | {
      readonly kind: 'will';
      readonly clientId: string;
      readonly topic: string;
      readonly qos: Qos;
      readonly retain: boolean;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'willGone'; readonly clientId: string };

/** First byte of a record. Numbers are never given twice. */
const codes = {
  session: 1,
  end: 2,
  subscribe: 3,
  unsubscribe: 4,
  message: 5,
  sent: 6,
  done: 7,
  retained: 8,
  will: 9,
  willGone: 10,
} as const satisfies Record<SessionRecord['kind'], number>;

export function encodeRecord(record: SessionRecord): Uint8Array {
  const writer = new ByteWriter('payload' in record ? record.payload.length + 128 : 64);
  writer.uint8(codes[record.kind]);
  encodeBody(writer, record);
  return writer.finish();
}

function encodeBody(writer: ByteWriter, record: SessionRecord): void {
  switch (record.kind) {
    case 'session':
      writer.varint(record.number);
      writer.text(record.clientId);
      writer.uint8(record.owner === null ? 0 : 1);
      writer.text(record.owner ?? '');
      writer.varint(record.leftMs);
      writer.varint(record.expiryMs);
      break;
    case 'end':
      writer.varint(record.number);
      break;
    case 'subscribe': {
      const { qos, rh, rap, nl, identifier } = record.subscription;
      writer.varint(record.number);
      writer.text(record.filter);
      writer.uint8(qos | (rh << 2) | (rap ? 16 : 0) | (nl ? 32 : 0));
      writer.varint(identifier);
      break;
    }
    case 'unsubscribe':
      writer.varint(record.number);
      writer.text(record.filter);
      break;
    case 'message':
      writer.varint(record.counter);
      writer.text(record.topic);
      writer.bytes(record.payload);
      encodeProperties(writer, record.properties);
      writer.varint(record.recipients.length);
      for (const [number, qos] of record.recipients) writer.varint(number * 4 + qos);
      break;
    case 'sent':
      writer.varint(record.number);
      writer.varint(record.counter);
      writer.varint(record.packetId * 2 + (record.released ? 1 : 0));
      break;
    case 'done':
      writer.varint(record.number);
      writer.varint(record.counter);
      break;
    case 'retained':
      writer.text(record.topic);
      writer.uint8(record.qos);
      writer.bytes(record.payload);
      encodeProperties(writer, record.properties);
      break;
    case 'will':
      writer.text(record.clientId);
      writer.text(record.topic);
      writer.uint8(record.qos | (record.retain ? 4 : 0));
      writer.bytes(record.payload);
      break;
    case 'willGone':
      writer.text(record.clientId);
      break;
  }
}

/** @throws {MalformedBytes} */
export function decodeRecord(bytes: Uint8Array): SessionRecord {
  const reader = new ByteReader(bytes);
  const record = decodeBody(reader, reader.uint8());
  if (reader.remaining > 0) throw new MalformedBytes(`${reader.remaining} bytes too many in a record`);
  return record;
}

function decodeBody(reader: ByteReader, code: number): SessionRecord {
  switch (code) {
    case codes.session: {
      const number = reader.varint();
      const clientId = reader.text();
      const named = reader.uint8() === 1;
      const owner = reader.text();
      const leftMs = reader.varint();
      const expiryMs = reader.varint();
      return { kind: 'session', number, clientId, owner: named ? owner : null, leftMs, expiryMs };
    }
    case codes.end:
      return { kind: 'end', number: reader.varint() };
    case codes.subscribe: {
      const number = reader.varint();
      const filter = reader.text();
      const bits = reader.uint8();
      const identifier = reader.varint();
      const subscription = { ...subscriptionOf(bits), identifier };
      return { kind: 'subscribe', number, filter, subscription };
    }
    case codes.unsubscribe:
      return { kind: 'unsubscribe', number: reader.varint(), filter: reader.text() };
    case codes.message: {
      const counter = reader.varint();
      const topic = reader.text();
      const payload = reader.bytes().slice();
      const properties = decodeProperties(reader);
      const count = reader.count(reader.remaining, 'recipients');
      const recipients = Array.from({ length: count }, () => {
        const both = reader.varint();
        return [Math.floor(both / 4), qosOf(both % 4)] as const;
      });
      return { kind: 'message', counter, topic, payload, properties, recipients };
    }
    case codes.sent: {
      const number = reader.varint();
      const counter = reader.varint();
      const both = reader.count(131_071, 'packet id');
      return { kind: 'sent', number, counter, packetId: both >> 1, released: (both & 1) === 1 };
    }
    case codes.done:
      return { kind: 'done', number: reader.varint(), counter: reader.varint() };
    case codes.retained: {
      const topic = reader.text();
      const qos = qosOf(reader.uint8());
      const payload = reader.bytes().slice();
      return { kind: 'retained', topic, qos, payload, properties: decodeProperties(reader) };
    }
    case codes.will: {
      const clientId = reader.text();
      const topic = reader.text();
      const bits = reader.uint8();
      const payload = reader.bytes().slice();
      return { kind: 'will', clientId, topic, qos: qosOf(bits & 3), retain: (bits & 4) !== 0, payload };
    }
    case codes.willGone:
      return { kind: 'willGone', clientId: reader.text() };
    default:
      throw new MalformedBytes(`no record has the code ${code}`);
  }
}

function encodeProperties(writer: ByteWriter, { bytes, expiresMs }: MessageProperties): void {
  writer.bytes(bytes);
  writer.varint(expiresMs);
}

function decodeProperties(reader: ByteReader): MessageProperties {
  const bytes = reader.bytes().slice();
  const expiresMs = reader.varint();
  return bytes.length === 0 && expiresMs === 0 ? noProperties : { bytes, expiresMs };
}

function subscriptionOf(bits: number): Omit<Subscription, 'identifier'> {
  return { qos: qosOf(bits & 3), rh: (bits >> 2) & 3, rap: (bits & 16) !== 0, nl: (bits & 32) !== 0 };
}

function qosOf(value: number): Qos {
  if (value > 2) throw new MalformedBytes(`QoS ${value}`);
  return value as Qos;
}
