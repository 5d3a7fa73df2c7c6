import { SedgeError } from '../../base/errors.ts';
import type { AnswerJson } from '../../query/answer.ts';
import type { Query } from '../../query/query.ts';
import { DiskError } from '../../ports/database.ts';
import type { Moment, StoreCore } from '../store-core.ts';
import { queriesMax, querySliceMillis } from './limits.ts';
import { QueryRun } from './query-run.ts';

/** What became of a query: its answer, or why there is none. */
export type QueryOutcome =
  | { readonly id: number; readonly answer: AnswerJson }
  | { readonly id: number; readonly error: SedgeError | DiskError };

interface Running {
  readonly id: number;
  readonly run: QueryRun;
  readonly startedMillis: number;
}

/** Queries under way: a slice of work at a time, so that commits wait for one slice at most. */
export class Queries {
  readonly #core: StoreCore;
  #running: Running[] = [];

  constructor(core: StoreCore) {
    this.#core = core;
  }

  get active(): boolean {
    return this.#running.length > 0;
  }

  /** Windows are being read: nothing may be merged into them. */
  get holdsWindows(): boolean {
    return this.#running.some(({ run }) => run.holdsWindows);
  }

  /** @throws {SedgeError} SEDGE_API_BUSY, or when the query can not be meant. */
  begin(id: number, query: Query, now: Moment): void {
    if (this.#running.length >= queriesMax) {
      throw new SedgeError('SEDGE_API_BUSY', `the agent answers ${queriesMax} queries already; ask again`);
    }
    const run = new QueryRun(this.#core, query, now);
    run.begin();
    this.#running.push({ id, run, startedMillis: now.monotonicMillis });
  }

  /** Works for one slice. Answers what was finished. */
  slice(clock: () => Moment): QueryOutcome[] {
    const finished: QueryOutcome[] = [];
    if (this.#running.length === 0) return finished;
    let now = clock();
    const until = now.monotonicMillis + querySliceMillis;
    while (now.monotonicMillis < until) {
      const turn = this.#running.shift();
      if (turn === undefined) break;
      const outcome = this.#step(turn, now);
      now = clock();
      if (outcome === null) this.#running.push(turn);
      else {
        finished.push(outcome);
        turn.run.end();
        const kind = 'answer' in outcome ? 'answered' : 'failed';
        this.#core.events.queried(kind, (now.monotonicMillis - turn.startedMillis) / 1000);
      }
    }
    return finished;
  }

  /** The store closes: nobody is left without an answer. */
  abandon(): QueryOutcome[] {
    const error = new SedgeError('SEDGE_API_BUSY', 'the store is closed');
    return this.#running.splice(0).map(({ id, run }) => {
      run.end();
      return { id, error };
    });
  }

  #step({ id, run }: Running, now: Moment): QueryOutcome | null {
    try {
      const answer = run.step(now);
      return answer === null ? null : { id, answer };
    } catch (error) {
      if (error instanceof SedgeError || error instanceof DiskError) return { id, error };
      throw error;
    }
  }
}
