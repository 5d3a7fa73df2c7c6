import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { crc32c } from '../base/crc32c.ts';
import { expectBytes, parsing, sketchKinds, type Parsed, type SketchKind } from './fault.ts';
import { sketchBytesMax, sourceBytesMax } from './limits.ts';
import { expectEnd } from './wire.ts';

/**
 * What travels around a sketch's bytes. Standard bytes have no checksum and do not say all their parameters; the envelope does,
 * so that a reader can refuse instead of merging wrongly.
 */
export interface Envelope {
  readonly kind: SketchKind;
  /** Parameters that the reader must share, as text: `k=200 precision=double`. */
  readonly parameters: string;
  readonly n: number;
  /** Event times covered, microseconds since 1970, inclusive. */
  readonly firstMicros: number;
  readonly lastMicros: number;
  /** Whose readings: agent, stream, field. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

const magic = 'SDSK';
const version = 1;

export function sealEnvelope(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(
    64 + 3 * (envelope.parameters.length + envelope.source.length) + envelope.bytes.length,
  );
  for (let i = 0; i < 4; i++) writer.uint8(magic.charCodeAt(i));
  writer.uint8(version);
  writer.uint8(sketchKinds.indexOf(envelope.kind));
  writer.text(envelope.parameters);
  writer.text(envelope.source);
  for (const number of [envelope.n, envelope.firstMicros, envelope.lastMicros]) writer.float64(number);
  writer.varint(envelope.bytes.length);
  const crc = crc32c(envelope.bytes, crc32c(writer.finish()));
  writer.raw(envelope.bytes);
  writer.uint32(crc);
  return writer.finish();
}

/** Any changed bit is a fault. `bytes` is a view into what was given. */
export function openEnvelope(sealed: Uint8Array): Parsed<Envelope> {
  return parsing('envelope', () => {
    const limit = sketchBytesMax + 2 * sourceBytesMax + 64;
    expectBytes(sealed.length >= 10 && sealed.length <= limit, `${sealed.length} bytes`);
    const reader = new ByteReader(sealed.subarray(0, sealed.length - 4));
    for (let i = 0; i < 4; i++) expectBytes(reader.uint8() === magic.charCodeAt(i), 'no sketch envelope');
    const crc = new ByteReader(sealed.subarray(sealed.length - 4)).uint32();
    expectBytes(crc32c(sealed.subarray(0, sealed.length - 4)) === crc, 'checksum does not fit');
    const found = reader.uint8();
    expectBytes(found === version, `version ${found} is not known`);
    const kind = sketchKinds[reader.uint8()];
    expectBytes(kind !== undefined, 'kind of sketch is not known');
    const parameters = reader.text();
    const source = reader.text();
    const n = reader.float64();
    const firstMicros = reader.float64();
    const lastMicros = reader.float64();
    const bytes = reader.bytes();
    expectEnd(reader);
    return { kind, parameters, n, firstMicros, lastMicros, source, bytes };
  });
}
