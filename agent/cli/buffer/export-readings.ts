import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { ReadingJson } from '../../api/contract.ts';
import { messageOf, SedgeError } from '../../base/errors.ts';
import { formatCount } from '../../base/words.ts';
import type { WindowsJson } from '../../query/windows-json.ts';
import { line, type World } from '../../ports/world.ts';
import { exit } from '../verb.ts';
import { otlpLine } from './otlp-export.ts';
import { type BufferAccess, streamOf } from './buffer-access.ts';
import { isRawNumber } from '../../reading/exact-json.ts';
import { type ColumnNames, columnNames, fixedColumns, nonFinite, ownValue } from './table-columns.ts';

interface ExportOptions {
  /** Id of the agent, for formats that name it once. */
  readonly agent: string;
  readonly world: World;
  readonly stream: string;
  readonly from: number;
  readonly until: number;
  readonly format: string;
  readonly output: string | null;
}

/** Writes stored readings in order. Memory holds one page of them. */
export async function exportReadings(access: BufferAccess, asked: ExportOptions): Promise<number> {
  const { world, format, output } = asked;
  if (format === 'parquet') return await exportParquet(access, asked);
  if (format === 'otlp') return await exportOtlp(access, asked);
  const stream = await streamOf(access, asked.stream);
  // What comes between two passes might have columns of its own.
  const until = format === 'csv' ? Math.min(asked.until, stream.head) : asked.until;
  const options = { ...asked, until };
  const target = output === null ? null : openOutput(output);
  const write = (text: string): void => {
    if (target === null) world.stdout.write(text);
    else writeSync(target, text);
  };
  let written = 0;
  try {
    const csv = format === 'csv' ? new CsvShape(stream.name, await fieldsOf(access, options)) : null;
    if (csv !== null) write(csv.header());
    for await (const readings of pages(access, options)) {
      write(
        readings
          .map((reading) => (csv === null ? `${JSON.stringify(reading)}\n` : csv.row(reading)))
          .join(''),
      );
      written += readings.length;
      if (output !== null && world.stderr.columns !== null)
        world.stderr.write(
          `\r${formatCount(written)} of about ${formatCount(Math.min(stream.buffered, until))}`,
        );
    }
    if (target !== null) fsyncSync(target);
  } finally {
    if (target !== null) closeSync(target);
  }
  if (output !== null)
    line(
      world.stderr,
      `${world.stderr.columns === null ? '' : '\r'}${formatCount(written)} readings of ${stream.name} written to ${output}`,
    );
  return exit.ok;
}

/** What is summed up by the hour, a request a line. */
async function exportOtlp(access: BufferAccess, options: ExportOptions): Promise<number> {
  const { world, output } = options;
  const stream = await streamOf(access, options.stream);
  const target = output === null ? null : openOutput(output);
  try {
    let after: WindowsJson['next'] = null;
    do {
      const page: WindowsJson = await access.windows(stream.name, 'hour', after);
      const text = page.windows.length === 0 ? '' : otlpLine(page, options.agent);
      if (target === null) world.stdout.write(text);
      else writeSync(target, text);
      after = page.next;
    } while (after !== null);
    if (target !== null) fsyncSync(target);
  } finally {
    if (target !== null) closeSync(target);
  }
  return exit.ok;
}

/** Two passes, as a table: what the columns are, then the rows. */
async function exportParquet(access: BufferAccess, asked: ExportOptions): Promise<number> {
  const { world, output } = asked;
  const stream = await streamOf(access, asked.stream);
  // What comes between the passes might have columns of its own.
  const options = { ...asked, until: Math.min(asked.until, stream.head) };
  if (output === null) {
    throw new SedgeError('SEDGE_CLI_USAGE', 'a Parquet file is not text: --output names the file', {
      hint: `sedge buffer export ${stream.name} --format parquet --output ${stream.name}.parquet`,
    });
  }
  // Loaded only by those who export.
  const { ParquetFile, ParquetShape } = await import('./parquet-export.ts');
  const target = openOutput(output);
  let written = 0;
  try {
    const shape = new ParquetShape();
    for await (const readings of pages(access, options)) for (const reading of readings) shape.note(reading);
    const file = new ParquetFile(target, shape, stream.name);
    for await (const readings of pages(access, options)) {
      for (const reading of readings) checkFields(reading, shape, stream.name);
      await file.write(readings);
      written += readings.length;
    }
    await file.finish();
    fsyncSync(target);
  } finally {
    closeSync(target);
  }
  line(world.stderr, `${formatCount(written)} readings of ${stream.name} written to ${output}`);
  return exit.ok;
}

async function* pages(
  access: BufferAccess,
  { stream, from, until }: ExportOptions,
): AsyncGenerator<readonly ReadingJson[]> {
  let next: number | null = from;
  let walk: string | undefined;
  while (next !== null && next < until) {
    const page = await access.page(stream, next, walk);
    walk = page.walk;
    const wanted = page.readings.filter(({ offset }) => offset === null || offset < until);
    if (wanted.length > 0) yield wanted;
    next = page.next;
  }
}

/** A table needs its columns before its first row: one pass for the names, one for the values. */
async function fieldsOf(access: BufferAccess, options: ExportOptions): Promise<Known> {
  const tags = new Set<string>();
  const values = new Set<string>();
  for await (const readings of pages(access, options)) {
    for (const reading of readings) {
      for (const name of Object.keys(reading.tags)) tags.add(name);
      for (const name of Object.keys(reading.values)) values.add(name);
    }
  }
  return { tags, values };
}

/** What the first pass found. */
interface Known {
  readonly tags: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
}

/** Nothing is left out of a table. @throws {SedgeError} where the second pass finds what the first did not: the ladder went up meanwhile. */
function checkFields({ tags, values }: ReadingJson, known: Known, stream: string): void {
  const tag = Object.keys(tags).find((name) => !known.tags.has(name));
  const field = Object.keys(values).find((name) => !known.values.has(name));
  if (tag === undefined && field === undefined) return;
  const what = field === undefined ? `tag ${tag}` : `field ${field}`;
  throw new SedgeError(
    'SEDGE_DATA_INVALID',
    `${stream} has a ${what} that it did not have when the export began; what was written so far is no whole table`,
    {
      hint: 'what is stored grew coarser meanwhile: export it again to another file, or as ndjson, which needs one pass',
    },
  );
}

class CsvShape {
  readonly #names: ColumnNames;
  readonly #stream: string;
  readonly #known: Known;

  constructor(stream: string, known: Known) {
    this.#stream = stream;
    this.#known = known;
    this.#names = columnNames(known.tags, known.values);
  }

  header(): string {
    const { tags, values } = this.#names;
    return csvLine([...fixedColumns.map(({ name }) => name), ...tags.values(), ...values.values()]);
  }

  row(reading: ReadingJson): string {
    checkFields(reading, this.#known, this.#stream);
    const { tags, values } = this.#names;
    return csvLine([
      ...fixedColumns.map(({ value }) => value(reading)),
      ...Array.from(tags.keys(), (name) => ownValue(reading.tags, name)),
      ...Array.from(values.keys(), (name) => ownValue(reading.values, name)),
    ]);
  }
}

/** RFC 4180; an absent value is an empty field, an empty text is two quotes. */
function csvLine(fields: readonly unknown[]): string {
  const text = fields.map((field) => {
    if (field === undefined || field === null) return '';
    const plain = csvCell(field);
    return plain === '' || /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  });
  return `${text.join(',')}\r\n`;
}

/** Numbers as readers of CSV know them: `NaN`, `Infinity`, `-0`; what is neither text, number nor boolean is JSON. */
function csvCell(field: unknown): string {
  if (typeof field === 'string') return field;
  if (isRawNumber(field)) return field.rawJSON;
  const special = nonFinite(field);
  return special === null ? JSON.stringify(field) : String(special);
}

function openOutput(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new SedgeError(
      'SEDGE_CLI_USAGE',
      exists ? `${path} exists already` : `cannot write ${path}: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'name another file with --output',
      },
    );
  }
}
