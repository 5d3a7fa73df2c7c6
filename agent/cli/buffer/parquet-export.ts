import { writeSync } from 'node:fs';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ReadingJson } from '../../api/contract.ts';
import { readTime } from '../../reading/event-time.ts';
import { isRawNumber } from '../../reading/exact-json.ts';
import { columnNames, fixedColumns, nonFinite, ownValue } from './table-columns.ts';

/** Rows of a group: what is in memory at a time, besides what the reader holds. */
const groupRows = 20_000;

type Kind = 'number' | 'long' | 'unsigned' | 'boolean' | 'text' | 'bytes' | 'json';

interface Column {
  readonly name: string;
  readonly kind: Kind | 'time' | 'nanos' | 'whole';
  value(reading: ReadingJson): unknown;
}

/** What the columns of a table are, learnt from every reading before the first is written. */
export class ParquetShape {
  readonly #tags = new Set<string>();
  readonly #values = new Map<string, FieldKind>();
  #timeKind: 'time' | 'nanos' = 'time';

  note({ tags, values, time }: ReadingJson): void {
    for (const name of Object.keys(tags)) this.#tags.add(name);
    for (const [name, value] of Object.entries(values)) {
      const known = this.#values.get(name);
      if (known === undefined) this.#values.set(name, new FieldKind(value));
      else known.note(value);
    }
    if (time.length > nanosTextLength && /\.\d{7,9}Z$/.test(time)) this.#timeKind = 'nanos';
  }

  /** Noted so far. */
  get tags(): ReadonlySet<string> {
    return this.#tags;
  }

  get values(): ReadonlySet<string> {
    return new Set(this.#values.keys());
  }

  /** Tags and values by name. */
  columns(): Column[] {
    const names = columnNames(this.#tags, this.values);
    const fixed = fixedColumns.map(({ name, kind, value }): Column => {
      const own = name === 'time' ? this.#timeKind : kind;
      return { name, kind: own, value: (reading) => fixedCell(value(reading), own) };
    });
    const tags = Array.from(names.tags, ([tag, name]): Column => ({
      name,
      kind: 'text',
      value: (reading) => ownValue(reading.tags, tag),
    }));
    const values = Array.from(names.values, ([field, name]): Column => {
      const { kind } = this.#values.get(field)!;
      return { name, kind, value: (reading) => cellOf(ownValue(reading.values, field), kind) };
    });
    return [...fixed, ...tags, ...values];
  }
}

/** Shorter times have no nanoseconds: `2026-11-21T08:00:00.123456Z`. */
const nanosTextLength = 27;

/** What a field is, of what it was in each reading. */
class FieldKind {
  #kind: 'number' | 'boolean' | 'text' | 'bytes' | 'json';
  /** Of numbers: whether one is an integer that a double does not hold, whether all are integers, and the range of those. */
  #hasLong = false;
  #isWhole = true;
  #least = 0n;
  #greatest = 0n;

  constructor(value: unknown) {
    this.#kind = plainKind(value);
    this.note(value);
  }

  note(value: unknown): void {
    if (this.#kind === 'json') return;
    if (plainKind(value) !== this.#kind) this.#kind = 'json';
    else if (isRawNumber(value) && value.rawJSON !== '-0') this.#noteLong(BigInt(value.rawJSON));
    else if (this.#kind === 'number' && !Number.isSafeInteger(value)) this.#isWhole = false;
    else if (this.#kind === 'number' && (value as number) < 0 && this.#least === 0n) this.#least = -1n;
  }

  #noteLong(value: bigint): void {
    this.#hasLong = true;
    if (value < this.#least) this.#least = value;
    if (value > this.#greatest) this.#greatest = value;
  }

  /** Integers that need it are INT64; where that would lose a fraction or a digit, the column is JSON. */
  get kind(): Kind {
    if (this.#kind !== 'number' || !this.#hasLong) return this.#kind;
    if (!this.#isWhole) return 'json';
    if (
      BigInt.asIntN(64, this.#least) === this.#least &&
      BigInt.asIntN(64, this.#greatest) === this.#greatest
    )
      return 'long';
    return this.#least >= 0n && BigInt.asUintN(64, this.#greatest) === this.#greatest ? 'unsigned' : 'json';
  }
}

/** Writes readings to an open file as Apache Parquet: a row group for every 20,000, Snappy, nulls where a value is absent. */
export class ParquetFile {
  readonly #columns: readonly Column[];
  readonly #bytes: FileBytes;
  readonly #writer: ParquetWriter;
  #rows: ReadingJson[] = [];

  constructor(file: number, shape: ParquetShape, stream: string) {
    this.#columns = shape.columns();
    this.#bytes = new FileBytes(file);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      createdBy: 'sedge',
      kvMetadata: [{ key: 'sedge.stream', value: stream }],
      schema: [
        { name: 'root', num_children: this.#columns.length },
        ...this.#columns.map(({ name, kind }) => ({
          name,
          repetition_type: 'OPTIONAL' as const,
          ...schemaOf[kind],
        })),
      ],
    });
  }

  async write(readings: readonly ReadingJson[]): Promise<void> {
    for (const reading of readings) this.#rows.push(reading);
    if (this.#rows.length >= groupRows) await this.#flush();
  }

  async finish(): Promise<void> {
    if (this.#rows.length > 0) await this.#flush();
    await this.#writer.finish();
    this.#bytes.flush();
  }

  async #flush(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    const columnData = this.#columns.map((column) => ({
      name: column.name,
      data: rows.map((reading) => column.value(reading) ?? null),
    }));
    await this.#writer.write({ columnData, rowGroupSize: rows.length });
    this.#bytes.flush();
  }
}

/** The library's buffer, emptied into a file after every group. */
class FileBytes extends ByteWriter {
  readonly #file: number;

  constructor(file: number) {
    super();
    this.#file = file;
  }

  flush(): void {
    const chunk = new Uint8Array(this.buffer, 0, this.index);
    for (let at = 0; at < chunk.length;) at += writeSync(this.#file, chunk, at);
    this.index = 0;
  }
}

const schemaOf = {
  number: { type: 'DOUBLE' },
  long: { type: 'INT64' },
  // No logical type: the library writes its width as a 32-bit integer where the format has a byte, and Arrow refuses the file.
  unsigned: { type: 'INT64', converted_type: 'UINT_64' },
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  bytes: { type: 'BYTE_ARRAY' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: { type: 'JSON' } },
  whole: { type: 'INT64' },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
  nanos: { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' } },
} as const;

function plainKind(value: unknown): 'number' | 'boolean' | 'text' | 'bytes' | 'json' {
  if (typeof value === 'number' || isRawNumber(value) || nonFinite(value) !== null) return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'text';
  return base64In(value) === null ? 'json' : 'bytes';
}

function base64In(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('base64' in value)) return null;
  return typeof value.base64 === 'string' ? value.base64 : null;
}

function cellOf(value: unknown, kind: Kind): unknown {
  if (value === undefined) return null;
  switch (kind) {
    case 'number':
      return isRawNumber(value) ? Number(value.rawJSON) : (nonFinite(value) ?? value);
    case 'long':
    case 'unsigned':
      return BigInt(isRawNumber(value) ? value.rawJSON : (value as number));
    case 'bytes':
      return new Uint8Array(Buffer.from(base64In(value)!, 'base64'));
    default:
      return value;
  }
}

function fixedCell(value: string | number | null | undefined, kind: Column['kind']): unknown {
  if (typeof value === 'number') return BigInt(value);
  return (kind === 'time' || kind === 'nanos') && typeof value === 'string' ? timeOf(value, kind) : value;
}

function timeOf(text: string, unit: 'time' | 'nanos'): bigint | null {
  const time = { micros: 0, nanos: 0 };
  if (readTime(text, 'rfc3339', time) !== null) return null;
  const micros = BigInt(time.micros);
  return unit === 'time' ? micros : micros * 1000n + BigInt(time.nanos);
}
