import type { Batch, Column } from '../reading/batch.ts';
import type { Fidelity } from '../ports/store.ts';
import { wordsCharactersMax } from './limits.ts';

/** Where readings go that a receiver refused. No uplink takes it unless it is named with its underscore. */
export const deadLetterStream = '_dead_letter';

/** Readings keep their columns and get told where they came from, who refused them, and in which words. */
export function deadLetters(
  batch: Batch,
  refusal: { stream: string; uplink: string; words: string; first: number; fidelity: Fidelity },
): Batch {
  const texts = (name: string, text: string): Column => ({
    kind: 'text',
    name,
    values: Array.from({ length: batch.length }, () => text),
    present: null,
  });
  const consecutive = Float64Array.from({ length: batch.length }, (_, i) => refusal.first + i);
  const offsets =
    refusal.fidelity === 'raw' ? undefined : batch.columns.find(({ name }) => name === 'offset');
  const added: Column[] = [
    texts('_stream', refusal.stream),
    texts('_reason', refusal.words.slice(0, wordsCharactersMax)),
    texts('_uplink', refusal.uplink),
    {
      kind: 'number',
      name: '_offset',
      values: offsets?.kind === 'number' ? offsets.values : consecutive,
      present: null,
    },
  ];
  const names = new Set(added.map((column) => column.name));
  return {
    ...batch,
    stream: deadLetterStream,
    columns: [...batch.columns.filter((column) => !names.has(column.name)), ...added],
  };
}
