import type { Scalar } from '../batch.ts';
import { fieldsPerReadingLimit } from '../limits.ts';
import { isBeyondDouble, numberOf } from './number-text.ts';
import type { ReadingSink } from './reading-sink.ts';
import { beyondDouble, Undecodable } from './undecodable.ts';

export interface CsvOptions {
  readonly columns: readonly string[] | null;
  readonly header: boolean;
  readonly delimiter: string;
}

/**
 * Reads CSV (RFC 4180), one reading a record. Lines end in LF, CRLF or CR; empty lines are passed over. Cells infer their type: a bare
 * number (also nan and inf), true or false; an empty bare cell is absent; anything else, and every quoted cell, is text.
 * Digits behind a leading zero (`007`) are a name, not a number, and stay text.
 */
export class CsvReader {
  readonly #sink: ReadingSink;
  readonly #options: CsvOptions;
  readonly #cells: string[] = [];
  readonly #quoted: boolean[] = [];
  #record = 0;

  constructor(sink: ReadingSink, options: CsvOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  read(text: string): void {
    this.#record = 0;
    let names = this.#options.columns;
    let header = this.#options.header;
    let at = 0;
    while (at < text.length) {
      at = this.#readRecord(text, at);
      if (this.#cells.length === 1 && this.#cells[0] === '' && !this.#quoted[0]) continue;
      if (header) {
        header = false;
        names ??= [...this.#cells];
        if (new Set(names).size !== names.length && this.#options.columns === null) {
          throw new Undecodable('structure', 'two columns of the header have one name');
        }
      } else this.#emit(names!);
    }
  }

  #emit(names: readonly string[]): void {
    if (this.#cells.length !== names.length) {
      this.#fail('structure', `${this.#cells.length} cells for ${names.length} columns`);
    }
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name === '') continue;
      const value = this.#quoted[i] ? this.#cells[i]! : this.#cellValue(name, this.#cells[i]!);
      if (value !== undefined) this.#sink.field(name, value);
    }
    this.#sink.finish();
  }

  /** Reads one record into the cells; the position after it. */
  #readRecord(text: string, from: number): number {
    this.#record++;
    this.#cells.length = 0;
    this.#quoted.length = 0;
    let at = from;
    for (;;) {
      at = text[at] === '"' ? this.#quotedCell(text, at + 1) : this.#bareCell(text, at);
      if (this.#cells.length > fieldsPerReadingLimit) {
        this.#fail('limit', `more than ${fieldsPerReadingLimit} cells`);
      }
      const end = text[at];
      at++;
      if (end === '\r' && text[at] === '\n') return at + 1;
      if (end !== this.#options.delimiter) return at;
    }
  }

  #bareCell(text: string, from: number): number {
    const delimiter = this.#options.delimiter.charCodeAt(0);
    let at = from;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === delimiter || code === 10 || code === 13) break;
      if (code === 34) this.#fail('syntax', 'a quote inside a bare cell');
    }
    this.#cells.push(text.slice(from, at));
    this.#quoted.push(false);
    return at;
  }

  #quotedCell(text: string, from: number): number {
    let cell = '';
    let at = from;
    for (;;) {
      const end = text.indexOf('"', at);
      if (end === -1) this.#fail('syntax', 'a quoted cell without end');
      cell += text.slice(at, end);
      at = end + 1;
      if (text[at] !== '"') break;
      cell += '"';
      at++;
    }
    const after = text[at];
    if (after !== undefined && after !== this.#options.delimiter && after !== '\n' && after !== '\r') {
      this.#fail('syntax', 'text behind a closing quote');
    }
    this.#cells.push(cell);
    this.#quoted.push(true);
    return at;
  }

  #cellValue(name: string, cell: string): Scalar | undefined {
    const value = cellValue(cell);
    if (value === cell && isBeyondDouble(cell.trim())) this.#fail('limit', beyondDouble(name).message);
    return value;
  }

  #fail(reason: 'syntax' | 'structure' | 'limit', problem: string): never {
    throw new Undecodable(reason, `record ${this.#record}: ${problem}`);
  }
}

function cellValue(cell: string): Scalar | undefined {
  const text = cell.trim();
  if (text === '') return undefined;
  if (!leadingZero.test(text)) {
    const number = numberOf(text);
    if (number !== undefined) return number;
  }
  if (text.length <= 5) {
    const word = text.toLowerCase();
    if (word === 'true') return true;
    if (word === 'false') return false;
  }
  return cell;
}

const leadingZero = /^[+-]?0\d/;
