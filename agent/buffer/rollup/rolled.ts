import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { Summary } from '../../query/summary.ts';
import { pieceEntriesMax, rollupFieldsMax } from './limits.ts';

const version = 1;

/** Summaries of one series in one window: what a row of `rollups` holds, and what an entry of a piece does. */
export class Rolled {
  /** Of any quality. */
  readings = 0;
  /** The bad ones among them: their values are in no summary. */
  bad = 0;
  /** By number of the field. */
  readonly fields = new Map<number, Summary>();

  merge(other: Rolled): void {
    this.readings += other.readings;
    this.bad += other.bad;
    for (const [field, theirs] of other.fields) this.summary(field).merge(theirs);
  }

  summary(field: number): Summary {
    let summary = this.fields.get(field);
    if (summary === undefined) this.fields.set(field, (summary = new Summary()));
    return summary;
  }

  write(writer: ByteWriter): void {
    writer.varint(this.readings);
    writer.varint(this.bad);
    writer.varint(this.fields.size);
    const ascending = [...this.fields].sort(([a], [b]) => a - b);
    for (const [field, summary] of ascending) {
      writer.varint(field);
      summary.write(writer);
    }
  }

  /** @throws {MalformedBytes} */
  static read(reader: ByteReader): Rolled {
    const rolled = new Rolled();
    rolled.readings = reader.varint();
    rolled.bad = reader.varint();
    for (let left = reader.count(rollupFieldsMax, 'fields'); left > 0; left--) {
      const field = reader.count(rollupFieldsMax, 'field');
      rolled.fields.set(field, Summary.read(reader));
    }
    return rolled;
  }
}

/** The bytes of one row. */
export function rowBytes(rolled: Rolled): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(version);
  rolled.write(writer);
  return writer.finish();
}

/** @throws {MalformedBytes} */
export function readRow(bytes: Uint8Array): Rolled {
  const reader = opened(bytes);
  const rolled = Rolled.read(reader);
  expectEnd(reader);
  return rolled;
}

export interface PieceEntry {
  /** Begin of the minute, microseconds. */
  readonly minute: number;
  /** Number of the series. */
  readonly series: number;
  readonly rolled: Rolled;
}

export function pieceBytes(entries: readonly PieceEntry[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(4_096);
  writer.uint8(version);
  writer.varint(entries.length);
  for (const { minute, series, rolled } of entries) {
    writer.float64(minute);
    writer.varint(series);
    rolled.write(writer);
  }
  return writer.finish();
}

/** @throws {MalformedBytes} */
export function readPiece(bytes: Uint8Array): PieceEntry[] {
  const reader = opened(bytes);
  const entries: PieceEntry[] = [];
  for (let left = reader.count(pieceEntriesMax, 'entries'); left > 0; left--) {
    const minute = reader.float64();
    if (!Number.isSafeInteger(minute)) throw new MalformedBytes('a minute is an integer of microseconds');
    const series = reader.varint();
    entries.push({ minute, series, rolled: Rolled.read(reader) });
  }
  expectEnd(reader);
  return entries;
}

function opened(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  const found = reader.uint8();
  if (found !== version) throw new MalformedBytes(`version ${found}`);
  return reader;
}

function expectEnd(reader: ByteReader): void {
  if (reader.remaining !== 0) throw new MalformedBytes(`${reader.remaining} bytes too many`);
}
