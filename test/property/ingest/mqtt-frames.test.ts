import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { FrameSplitter, encodeAcks } from '#agent/host/mqtt-frames.ts';

interface Seen {
  readonly packets: unknown[];
  readonly wrong: string | null;
}

/** What the splitter makes of the bytes, pushed in pieces of the given sizes. */
function split(bytes: Uint8Array, sizes: readonly number[], version: '3.1.1' | '5', stops = false): Seen {
  const packets: unknown[] = [];
  const splitter = new FrameSplitter({
    version,
    packetBytesMax: 4_096,
    sink: {
      publish: (packet) =>
        packets.push({
          ...packet,
          payload: Buffer.from(packet.payload).toString('hex'),
          ...(packet.properties === undefined
            ? {}
            : { properties: Buffer.from(packet.properties).toString('hex') }),
        }),
      release: (packetId) => packets.push({ release: packetId }),
      other: (type, frame) => {
        packets.push({ type, frame: Buffer.from(frame).toString('hex') });
        return !stops;
      },
    },
  });
  let wrong: string | null = null;
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    wrong = splitter.push(bytes.slice(at, at + size));
    at += size;
  }
  while (wrong === null && splitter.heldBytes > 0) {
    const before = splitter.heldBytes;
    wrong = splitter.proceed();
    if (splitter.heldBytes === before) break;
  }
  return { packets, wrong };
}

const packetId = fc.integer({ min: 1, max: 65_535 });
const topic = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !text.includes('\0'));
const publish = fc
  .record({
    topic,
    payload: fc.uint8Array({ maxLength: 300 }),
    qos: fc.constantFrom(0, 1, 2),
    dup: fc.boolean(),
    retain: fc.boolean(),
    messageId: packetId,
    userProperty: fc.option(fc.string({ maxLength: 200 })),
  })
  .map((one) => ({ cmd: 'publish', ...one, dup: one.dup && one.qos > 0, payload: Buffer.from(one.payload) }));
const other = fc.oneof(
  packetId.map((messageId) => ({ cmd: 'pubrel', messageId })),
  packetId.map((messageId) => ({ cmd: 'suback', messageId, granted: [1] })),
  fc.constant({ cmd: 'pingresp' }),
);
const packets = fc.array(fc.oneof({ weight: 3, arbitrary: publish }, other), { maxLength: 12 });
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });
const version = fc.constantFrom('3.1.1' as const, '5' as const);

function encode(packet: Record<string, unknown>, version: '3.1.1' | '5'): Buffer {
  const property = packet['userProperty'];
  const more =
    version === '5' && typeof property === 'string'
      ? { properties: { userProperties: { k: property } } }
      : {};
  return mqttPacket.generate({ ...packet, ...more } as unknown as Packet, {
    protocolVersion: version === '5' ? 5 : 4,
  });
}

/** The same bytes read by the parser of the mqtt-packet library: the twin. */
function twin(bytes: Buffer, version: '3.1.1' | '5'): unknown[] {
  const seen: unknown[] = [];
  const parser = mqttPacket.parser({ protocolVersion: version === '5' ? 5 : 4 });
  parser.on('packet', (packet: Packet) => {
    if (packet.cmd === 'publish') {
      const { qos, dup, retain } = packet;
      seen.push({
        topic: packet.topic,
        payload: Buffer.from(packet.payload).toString('hex'),
        qos,
        dup,
        retain,
        packetId: packet.messageId ?? 0,
        ...propertyHex(packet.properties?.userProperties?.['k']),
      });
    } else if (packet.cmd === 'pubrel') seen.push({ release: packet.messageId });
    else seen.push(packet.cmd);
  });
  parser.parse(bytes);
  return seen;
}

/** User property k (MQTT 5, §2.2.2.2), encoded. */
function propertyHex(value: unknown): object {
  if (typeof value !== 'string') return {};
  const text = Buffer.from(value);
  const head = Buffer.from([38, 0, 1, 0x6b, text.length >> 8, text.length & 255]);
  return { properties: Buffer.concat([head, text]).toString('hex') };
}

const names: Readonly<Record<number, string>> = { 9: 'suback', 13: 'pingresp' };
const comparable = (seen: readonly unknown[]): unknown[] =>
  seen.map((one) =>
    typeof one === 'object' && one !== null && 'type' in one ? names[one.type as number] : one,
  );

describe('FrameSplitter', () => {
  it('reads what mqtt-packet reads, however the bytes are cut', () => {
    fc.assert(
      fc.property(packets, sizes, version, (list, cuts, version) => {
        const bytes = Buffer.concat(list.map((packet) => encode(packet, version)));

        const seen = split(bytes, cuts, version);

        expect(seen.wrong).toBeNull();
        expect(comparable(seen.packets)).toEqual(twin(bytes, version));
      }),
    );
  });

  it('hands on the same packets when it is stopped after each that is not its own', () => {
    fc.assert(
      fc.property(packets, sizes, version, (list, cuts, version) => {
        const bytes = Buffer.concat(list.map((packet) => encode(packet, version)));

        expect(split(bytes, cuts, version, true)).toEqual(split(bytes, [bytes.length + 1], version));
      }),
    );
  });

  it('never throws and keeps at most one packet, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), sizes, version, (bytes, cuts, version) => {
        expect(() => split(bytes, cuts, version)).not.toThrow();
      }),
    );
  });

  it.each([
    ['a packet beyond the bound', [0x30, 0xff, 0xff, 0x7f], 'of 2097155 bytes, at most 4096'],
    ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 0x01], 'malformed packet length'],
    ['QoS 3', [0x36, 0x05, 0, 1, 0x61, 0, 1], 'QoS 3'],
    ['a topic longer than the packet', [0x30, 0x03, 0, 9, 0x61], 'topic longer'],
    ['an empty topic', [0x30, 0x02, 0, 0], 'topic is empty'],
    ['a topic that is no UTF-8', [0x30, 0x03, 0, 1, 0xff], 'no UTF-8'],
    ['packet id 0', [0x32, 0x05, 0, 1, 0x61, 0, 0], 'packet id 0'],
    ['a PUBREL with the wrong flags', [0x60, 0x02, 0, 1], 'PUBREL'],
  ])('refuses %s and reads nothing after it', (_what, bytes, words) => {
    const good = encode({ cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 0 }, '3.1.1');

    const seen = split(Buffer.concat([Buffer.from(bytes), good]), [1_000], '3.1.1');

    expect(seen.wrong).toContain(words);
    expect(seen.packets).toEqual([]);
  });

  it('writes acknowledgements as mqtt-packet does, in both versions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ ack: fc.constantFrom('puback', 'pubrec', 'pubcomp'), packetId })),
        version,
        (acks, version) => {
          const expected = acks.map(({ ack, packetId }) =>
            encode({ cmd: ack, messageId: packetId, reasonCode: 0 }, version),
          );
          expect(Buffer.from(encodeAcks(acks))).toEqual(Buffer.concat(expected));
        },
      ),
    );
  });
});
