import { assert } from '../base/assert.ts';
import type { SavedState } from '../reading/journal-entry.ts';
import type { StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/** What the stages of one stream remember: a full state and what followed it, oldest first. */
export interface StreamStates {
  readonly stream: string;
  readonly states: readonly SavedState[];
}

/** Keeps a state with the readings of its transaction; a full one takes the place of all before it. Inside a transaction. */
export function storeState(core: StoreCore, stream: StreamState, { kind, bytes }: SavedState): void {
  if (kind === 'full') core.prepare('DELETE FROM pipeline_state WHERE stream = ?').run(stream.id);
  core
    .prepare(
      `INSERT INTO pipeline_state (stream, seq, kind, bytes)
       SELECT ?, COALESCE(MAX(seq), 0) + 1, ?, ? FROM pipeline_state WHERE stream = ?`,
    )
    .run(stream.id, kind, bytes, stream.id);
  core.memory.bytesSinceSpaceCheck += bytes.length;
}

/** Of every stream that has some. */
export function loadStates(core: StoreCore): readonly StreamStates[] {
  const rows = core
    .prepare<{ name: string; kind: string; bytes: Uint8Array<ArrayBuffer> }>(
      `SELECT streams.name, pipeline_state.kind, pipeline_state.bytes
       FROM pipeline_state JOIN streams ON streams.id = pipeline_state.stream ORDER BY pipeline_state.stream, seq`,
    )
    .all();
  const byStream = new Map<string, SavedState[]>();
  for (const { name, kind, bytes } of rows) {
    assert(kind === 'full' || kind === 'delta', 'a state is full or a delta');
    let states = byStream.get(name);
    if (states === undefined) byStream.set(name, (states = []));
    states.push({ kind, bytes });
  }
  return Array.from(byStream, ([stream, states]) => ({ stream, states }));
}
