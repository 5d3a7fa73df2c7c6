import { assert } from '../base/assert.ts';
import type { AppendOutcome } from '../ports/store.ts';
import { bytesOf, type EntryToStore, type RowToStore } from './append.ts';

/** What is left of an append is cut into parts of so many bytes, of which so many are stored. */
interface Cut {
  bytesMax: number;
  stored: number;
}

/**
 * How far an append came that is stored in parts and may be refused between two of them. A part that is stored was cut by what a transaction held
 * then: after a reload with another `buffer.size` only what is left is cut anew. Invariant: all cuts but the last have a stored part.
 */
export class AppendProgress {
  readonly place: number;
  readonly urgent: boolean;
  readonly #cuts: [Cut, ...Cut[]] = [{ bytesMax: 0, stored: 0 }];
  #again: number | undefined;
  /** The part refused last may be stored all the same: it is asked for again as it was. */
  #inDoubt = false;

  constructor({ place, urgent }: { readonly place: number; readonly urgent: boolean }) {
    this.place = place;
    this.urgent = urgent;
  }

  /** Number of the request in which the next part was refused; undefined: it was not. */
  get again(): number | undefined {
    return this.#again;
  }

  /** It is about to be stored by transactions of so many bytes. Answers what its entries are encoded for, the same as long as any of it is stored. */
  cutFor(bytesMax: number): number {
    const last = this.#cuts.at(-1)!;
    if (this.#inDoubt || last.bytesMax === bytesMax) return this.#cuts[0].bytesMax;
    // What was refused is known not to be stored.
    this.#again = undefined;
    if (last.stored === 0) last.bytesMax = bytesMax;
    else this.#cuts.push({ bytesMax, stored: 0 });
    return this.#cuts[0].bytesMax;
  }

  /** Of all entries, encoded as {@link cutFor} said. */
  partsLeft(entries: readonly EntryToStore[]): readonly (readonly EntryToStore[])[] {
    let parts: readonly (readonly EntryToStore[])[] = [entries];
    for (const { bytesMax, stored } of this.#cuts) parts = partsOf(parts.flat(), bytesMax).slice(stored);
    return parts;
  }

  /** The next part is. */
  stored(): void {
    this.#cuts.at(-1)!.stored++;
    this.#again = undefined;
    this.#inDoubt = false;
  }

  /** The next part was, in request `id`. */
  refused(id: number, trouble: Extract<AppendOutcome, { ok: false }>['trouble']): void {
    this.#again = id;
    this.#inDoubt = trouble === 'io';
  }
}

/** Entries cut into parts of at most `bytesMax`; one that is larger by itself is cut between its rows. Marks go with the last part. */
function partsOf(entries: readonly EntryToStore[], bytesMax: number): readonly (readonly EntryToStore[])[] {
  if (bytesOf(entries) <= bytesMax) return [entries];
  const parts: EntryToStore[][] = [];
  let part: EntryToStore[] = [];
  let bytes = 0;
  for (const entry of entries.flatMap((one) => piecesOf(one, bytesMax))) {
    const more = bytesOf([entry]);
    if (bytes + more > bytesMax && part.length > 0) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push({ ...entry, marks: [] });
    bytes += more;
  }
  const last = part.pop();
  assert(last !== undefined, 'an append that is cut has entries');
  parts.push([...part, { ...last, marks: entries.flatMap(({ marks }) => marks) }]);
  return parts;
}

/** An entry whose rows fit one part, or one for each of them: accounts go with the first. */
function piecesOf(entry: EntryToStore, bytesMax: number): readonly EntryToStore[] {
  if (bytesOf([entry]) <= bytesMax || entry.rows.length === 0) return [entry];
  return entry.rows.map((row, index) =>
    index === 0
      ? { ...entry, rows: [row], received: row.count + entry.received - countOf(entry.rows) }
      : { ...entry, received: row.count, filtered: [], marks: [], rows: [row] },
  );
}

function countOf(rows: readonly RowToStore[]): number {
  return rows.reduce((sum, row) => sum + row.count, 0);
}
