import { assert } from '../../base/assert.ts';
import type { ByteReader } from '../../base/byte-reader.ts';
import type { Tags } from '../../reading/batch.ts';
import { tagsMax } from './limits.ts';
import type { RowWriter } from './row-writer.ts';
import { readText } from './text-bytes.ts';

export function writeTags(writer: RowWriter, tags: Tags): void {
  const names = Object.keys(tags);
  assert(names.length <= tagsMax, 'a series has at most tagsMax tags');
  writer.varint(names.length);
  for (const name of names) {
    writer.text(name);
    writer.text(tags[name]!);
  }
}

/** @throws {MalformedBytes} */
export function readTags(reader: ByteReader): Tags {
  const entries: [string, string][] = [];
  for (let left = reader.count(tagsMax, 'tags'); left > 0; left--) {
    entries.push([readText(reader), readText(reader)]);
  }
  return Object.fromEntries(entries);
}
