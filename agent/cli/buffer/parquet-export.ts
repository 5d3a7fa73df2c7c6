import { writeSync } from 'node:fs';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ReadingJson } from '../../api/contract.ts';
import { readTime } from '../../reading/event-time.ts';
import { fixedColumns, tagColumn, valueColumn } from './table-columns.ts';

/** Rows of a group: what is in memory at a time, besides what the reader holds. */
const groupRows = 20_000;

type Kind = 'number' | 'boolean' | 'text' | 'json';

interface Column {
  readonly name: string;
  readonly kind: Kind | 'time' | 'whole';
  value(reading: ReadingJson): unknown;
}

/** What the columns of a table are, learnt from every reading before the first is written. */
export class ParquetShape {
  readonly #tags = new Set<string>();
  readonly #values = new Map<string, Kind>();

  note({ tags, values }: ReadingJson): void {
    for (const name of Object.keys(tags)) this.#tags.add(name);
    for (const [name, value] of Object.entries(values)) {
      const kind = kindOf(value);
      const known = this.#values.get(name);
      this.#values.set(name, known === undefined || known === kind ? kind : 'json');
    }
  }

  /** Noted so far. */
  get tags(): ReadonlySet<string> {
    return this.#tags;
  }

  get values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  /** Tags and values by name; where both have it, or one is named as a column that is always there, `tag.NAME` and `value.NAME`. */
  columns(): Column[] {
    const fixed = fixedColumns.map(({ name, kind, value }): Column => ({
      name,
      kind,
      value: (reading) => fixedCell(value(reading), kind),
    }));
    const tags = [...this.#tags].sort().map((tag): Column => ({
      name: tagColumn(tag, this.#values),
      kind: 'text',
      value: (reading) => reading.tags[tag],
    }));
    const values = [...this.#values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([field, kind]): Column => ({
        name: valueColumn(field, this.#tags),
        kind,
        value: (reading) => cellOf(reading.values[field], kind),
      }));
    return [...fixed, ...tags, ...values];
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
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
  whole: { type: 'INT64' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
} as const;

function kindOf(value: unknown): Kind {
  if (typeof value === 'number' || nonFinite(value) !== null) return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' ? 'text' : 'json';
}

function cellOf(value: unknown, kind: Kind): unknown {
  return kind === 'number' ? (nonFinite(value) ?? value) : value;
}

/** `{"number":"NaN"}` and its like, as lines write what JSON has no number for. */
function nonFinite(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('number' in value)) return null;
  return Number(value.number);
}

function fixedCell(value: string | number | null | undefined, kind: string): unknown {
  if (typeof value === 'number') return BigInt(value);
  return kind === 'time' && typeof value === 'string' ? microsOf(value) : value;
}

function microsOf(text: string): bigint | null {
  const time = { micros: 0, nanos: 0 };
  return readTime(text, 'rfc3339', time) === null ? BigInt(time.micros) : null;
}
