import { micros } from '#agent/base/units.ts';
import type { JournalStore } from '#agent/buffer/journal-store.ts';
import type { Moment } from '#agent/buffer/store-core.ts';
import type { AnswerJson, FigureJson, RowJson } from '#agent/query/answer.ts';
import { parseQuery } from '#agent/query/parse.ts';

/** Asks a store in process; `between` happens between two steps, as commits do. @throws what the query ends with */
export function askStore(
  store: JournalStore,
  text: string,
  { now, between }: { now: Moment; between?: () => void },
): AnswerJson {
  store.queries.begin(1, parseQuery(text, micros(now.wallMicros)), now);
  // A clock that ticks with every look ends a slice after two steps.
  let elapsed = 0;
  for (;;) {
    const [outcome] = store.queries.slice(() => ({
      ...now,
      monotonicMillis: now.monotonicMillis + elapsed++,
    }));
    if (outcome !== undefined) {
      if ('error' in outcome) throw outcome.error;
      return outcome.answer;
    }
    between?.();
  }
}

export function rowOf(answer: AnswerJson, ...key: (string | null)[]): RowJson {
  const row = answer.rows.find((one) => JSON.stringify(one.key) === JSON.stringify(key));
  if (row === undefined) throw new Error(`no row ${JSON.stringify(key)} in ${JSON.stringify(answer)}`);
  return row;
}

/** The figure of a column. */
export function figure(row: RowJson, column = 0): FigureJson {
  const cell = row.cells[column];
  if (cell === undefined || !('value' in cell)) throw new Error('not a figure');
  return cell;
}
