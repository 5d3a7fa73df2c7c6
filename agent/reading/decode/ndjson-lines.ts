import { formatCount } from '../../base/words.ts';
import type { JsonScan } from './json-scan.ts';
import { mayHoldLongInteger, parseJson, utf8Text } from './json-text.ts';
import type { ReadingSink } from './reading-sink.ts';
import type { TreeReader } from './tree-reader.ts';
import { tooLarge, Undecodable } from './undecodable.ts';

const newline = 10;

export interface LineReader {
  readonly sink: ReadingSink;
  readonly tree: TreeReader;
  /** The short way for flat objects; null where the readings lie deeper. */
  readonly scan: JsonScan | null;
  /** Bytes of a line. */
  readonly lineBytesMax: number;
}

/**
 * Reads a body of JSON lines, each of them from its own bytes: what a body needs beside them and its readings is what its longest line
 * needs, however long it is.
 * @throws {Undecodable} naming the line.
 */
export function readLines(reader: LineReader, payload: Uint8Array): void {
  let line = 0;
  for (let from = 0; from < payload.length;) {
    const end = payload.indexOf(newline, from);
    const to = end === -1 ? payload.length : end;
    line++;
    try {
      readLine(reader, payload.subarray(from, to));
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      throw new Undecodable(error.reason, `line ${formatCount(line)}: ${error.message}`);
    }
    from = to + 1;
  }
}

function readLine({ sink, tree, scan, lineBytesMax }: LineReader, bytes: Uint8Array): void {
  if (bytes.length > lineBytesMax && !isBlank(bytes)) throw tooLarge(bytes.length, lineBytesMax);
  if (scan?.read(bytes) === true) {
    sink.finish();
    return;
  }
  const text = utf8Text(bytes);
  if (text.trim() !== '') tree.read(parseJson(text, mayHoldLongInteger(bytes)));
}

/** Of white space as JSON has it. */
function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}
