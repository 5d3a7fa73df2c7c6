import { MalformedBytes } from '../base/byte-reader.ts';
import { decodeBlock, type DecodedBlock } from './codec/block.ts';
import type { CodecError } from './codec/codec-error.ts';
import { decodeJournalRow } from './codec/journal-row.ts';
import { decodeRows } from './rungs/packed-rows.ts';
import { RowColumns, rowsProblem } from './rungs/row-columns.ts';
import type { StoreCore } from './store-core.ts';
import type { BlockPlace, Place, StreamState } from './stream-state.ts';

/** A damaged segment met on the way: the caller sets it aside outside the read and reads again. */
export class Damage extends Error {
  override readonly name = 'Damage';
  readonly stream: StreamState;
  readonly place: Place;

  constructor(stream: StreamState, place: Place, reason: string) {
    super(reason);
    this.stream = stream;
    this.place = place;
  }
}

/** The readings of a segment. @throws {Damage} when its bytes do not say what its place does. */
export function contentOf(core: StoreCore, stream: StreamState, place: Place): DecodedBlock {
  if (place.kind === 'journal') {
    const bytes = core
      .prepare<{ row: Uint8Array }>('SELECT row FROM journal WHERE seq = ?')
      .get(place.row.seq)?.row;
    if (bytes === undefined) throw new Damage(stream, place, 'its row is gone');
    const batch = decodeJournalRow(bytes, { stream: stream.name });
    if (!batch.ok) throw new Damage(stream, place, inWords(batch.error));
    if (batch.value.length !== place.row.count) throw new Damage(stream, place, 'its count differs');
    return { batch: batch.value, clocks: [{ clock: batch.value.clock, count: batch.value.length }] };
  }
  const kept = core.decoded.get(place.row.payload);
  if (kept !== undefined) return kept;
  const bytes = core
    .prepare<{ bytes: Uint8Array }>('SELECT bytes FROM payloads WHERE id = ?')
    .get(place.row.payload)?.bytes;
  if (bytes === undefined) throw new Damage(stream, place, 'its bytes are gone');
  const block = place.row.fidelity === 'raw' ? decodeBlock(bytes) : decodeRows(bytes);
  if (!block.ok) throw new Damage(stream, place, inWords(block.error));
  const problem = contentProblem(block.value, place.row);
  if (problem !== null) throw new Damage(stream, place, problem);
  if (block.value.batch.stream !== stream.name) {
    throw new Damage(stream, place, `it belongs to ${block.value.batch.stream}`);
  }
  core.decoded.keep(place.row.payload, block.value);
  return block.value;
}

/** Why a block's content is not what its place says. */
function contentProblem({ batch }: DecodedBlock, row: BlockPlace): string | null {
  if (row.fidelity === 'raw') return batch.length === row.count ? null : 'its count differs';
  try {
    return rowsProblem(new RowColumns(batch), row);
  } catch (error) {
    if (error instanceof MalformedBytes) return error.message;
    throw error;
  }
}

function inWords(error: CodecError): string {
  return `${error.code}: ${error.detail}`;
}
