import { MalformedBytes } from '../base/byte-reader.ts';

/** MQTT 5 properties of a message that subscribers get (§3.3.2.3), encoded, without their length. */
export interface MessageProperties {
  /** Message Expiry Interval is not among them. */
  readonly bytes: Uint8Array;
  /** Wall clock in ms after which nobody gets the message; 0: never. */
  readonly expiresMs: number;
}

export const noProperties: MessageProperties = { bytes: new Uint8Array(0), expiresMs: 0 };

/** How long each property is (§2.2.2.2). */
const shapes: Readonly<Record<number, 'byte' | 'two' | 'four' | 'variable' | 'text' | 'pair'>> = {
  1: 'byte',
  2: 'four',
  3: 'text',
  8: 'text',
  9: 'text',
  11: 'variable',
  17: 'four',
  18: 'text',
  19: 'two',
  21: 'text',
  22: 'text',
  23: 'byte',
  24: 'four',
  25: 'byte',
  26: 'text',
  28: 'text',
  31: 'text',
  33: 'two',
  34: 'two',
  35: 'two',
  36: 'byte',
  37: 'byte',
  38: 'pair',
  39: 'four',
  40: 'byte',
  41: 'byte',
  42: 'byte',
};
export const propertyIds = { messageExpiry: 2, contentType: 3, sessionExpiry: 17, userProperty: 38 } as const;
/** Payload format, content type, response topic, correlation data, user property. */
const passedOn = new Set([1, 3, 8, 9, 38]);

/** The properties one after the other: id, and where value and property end. @throws {MalformedBytes} */
export function* propertiesIn(bytes: Uint8Array): Generator<{ id: number; from: number; to: number }, void> {
  for (let at = 0; at < bytes.length;) {
    const from = at;
    const id = bytes[at++]!;
    const shape = shapes[id];
    if (shape === undefined) throw new MalformedBytes(`no property has the id ${id}`);
    if (shape === 'variable') {
      while (at < bytes.length && bytes[at]! >= 128) at++;
      at++;
    } else if (shape === 'text') at = afterText(bytes, at);
    else if (shape === 'pair') at = afterText(bytes, afterText(bytes, at));
    else at += shape === 'byte' ? 1 : shape === 'two' ? 2 : 4;
    if (at > bytes.length) throw new MalformedBytes('a property is longer than its packet');
    yield { id, from, to: at };
  }
}

function afterText(bytes: Uint8Array, at: number): number {
  return at + 2 < bytes.length + 1
    ? at + 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    : bytes.length + 1;
}

/** A four-byte value that ends at `to`. */
export const fourBytes = (bytes: Uint8Array, to: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(to - 4);

/** What subscribers get of a publisher's properties. @throws {MalformedBytes} */
function messageProperties(bytes: Uint8Array, wallMs: number): MessageProperties {
  const kept: Uint8Array[] = [];
  let expiresMs = 0;
  for (const { id, from, to } of propertiesIn(bytes)) {
    if (id === propertyIds.messageExpiry) expiresMs = wallMs + fourBytes(bytes, to) * 1_000;
    else if (passedOn.has(id)) kept.push(bytes.subarray(from, to));
  }
  return { bytes: Buffer.concat(kept), expiresMs };
}

/** Null: they are malformed. */
export function readProperties(bytes: Uint8Array | undefined): MessageProperties | null {
  if (bytes === undefined) return noProperties;
  try {
    return messageProperties(bytes, Date.now());
  } catch {
    return null;
  }
}

/** Of a message of the agent's own. */
export function encodedProperties(
  contentType: string,
  userProperties: Readonly<Record<string, string>>,
): MessageProperties {
  const parts = [Buffer.of(propertyIds.contentType), textOf(contentType)];
  for (const [name, value] of Object.entries(userProperties))
    parts.push(Buffer.of(propertyIds.userProperty), textOf(name), textOf(value));
  return { bytes: Buffer.concat(parts), expiresMs: 0 };
}

/** UTF-8 Encoded String (§1.5.4); the text is shorter than 64 KiB. */
function textOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

/** What stands before the payload in an MQTT 5 PUBLISH: length and properties. */
export function propertiesHead({ bytes, expiresMs }: MessageProperties, wallMs: number): Buffer {
  const expiry = Buffer.alloc(expiresMs === 0 ? 0 : 5);
  if (expiresMs > 0) {
    expiry[0] = propertyIds.messageExpiry;
    expiry.writeUInt32BE(Math.max(0, Math.ceil((expiresMs - wallMs) / 1_000)), 1);
  }
  return Buffer.concat([variableLength(bytes.length + expiry.length), expiry, bytes]);
}

/** Variable Byte Integer (§1.5.5). */
export function variableLength(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 128 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}
