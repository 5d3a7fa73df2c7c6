import { SedgeError } from '../../base/errors.ts';
import { Aggregation } from '../../query/aggregation.ts';
import type { AnswerJson } from '../../query/answer.ts';
import { placed } from '../../query/lexer.ts';
import { didYouMean } from '../../query/names.ts';
import type { Query } from '../../query/query.ts';
import type { Batch } from '../../reading/batch.ts';
import type { StoreMemory } from '../memory.ts';
import { takes } from '../settings.ts';
import type { Moment, StoreCore } from '../store-core.ts';
import type { Place, StreamState } from '../stream-state.ts';
import type { Departures } from './fold.ts';
import { queryMillisMax } from './limits.ts';
import { StreamQuery } from './stream-query.ts';

/**
 * One query under way: stream after stream, in steps of one block or some hundred rows, so that commits go on between them. What each
 * stream holds when its turn comes is what is answered: what comes later is left out, and what leaves the journal meanwhile is taken in as it
 * leaves.
 */
export class QueryRun implements Departures {
  readonly #core: StoreCore;
  readonly #query: Query;
  readonly #aggregation: Aggregation;
  readonly #memory: StoreMemory;
  readonly #deadlineMillis: number;
  /** Names, to be looked up when their turn comes. */
  readonly #streams: readonly string[];
  #next = 0;
  #current: StreamQuery | null = null;
  #lost = 0;
  #goneSeconds = 0;
  #stopped = false;

  constructor(core: StoreCore, query: Query, now: Moment) {
    this.#core = core;
    this.#query = query;
    this.#aggregation = new Aggregation(query);
    this.#memory = core.memory;
    this.#deadlineMillis = now.monotonicMillis + queryMillisMax;
    this.#streams = [...core.memory.streams.keys()].filter((name) => takes(query.streams, name)).sort();
    const missing = query.streams.findIndex((glob) => !glob.includes('*') && !core.memory.streams.has(glob));
    if (missing < 0) return;
    const name = query.streams[missing]!;
    const known = [...core.memory.streams.keys()].filter(
      (one) => name.startsWith('_') || !one.startsWith('_'),
    );
    const words = `there is no stream ${JSON.stringify(name)}${didYouMean(name, known)}`;
    throw new SedgeError('SEDGE_API_NO_STREAM', placed(words, query.streamsAt[missing]!));
  }

  begin(): void {
    this.#core.folding.departures.add(this);
  }

  end(): void {
    this.#core.folding.departures.delete(this);
  }

  /** Windows are being read: nothing may be merged into them meanwhile. */
  get holdsWindows(): boolean {
    return this.#current?.inWindows === true;
  }

  departed(stream: StreamState, first: number, batch: Batch): void {
    this.#current?.departed(stream, first, batch);
  }

  goes(stream: StreamState, place: Place): void {
    this.#current?.goes(stream, place);
  }

  /** One step. The answer, once there is one. @throws {SedgeError} */
  step(now: Moment): AnswerJson | null {
    if (this.#core.memory !== this.#memory) {
      throw new SedgeError('SEDGE_API_BUSY', 'the buffer was opened anew while the query ran; ask again');
    }
    if (now.monotonicMillis > this.#deadlineMillis) {
      this.#stopped = true;
      return this.#answer(now);
    }
    if (this.#current === null) {
      const name = this.#streams[this.#next++];
      if (name === undefined) return this.#answer(now);
      const stream = this.#memory.streams.get(name);
      if (stream !== undefined) this.#current = new StreamQuery(this.#core, stream, this.#aggregation);
      return null;
    }
    if (this.#current.step()) return null;
    this.#lost += this.#current.lost;
    this.#goneSeconds += this.#current.goneSeconds;
    this.#current = null;
    return null;
  }

  /** Globs that take no stream. */
  #unmatched(): string[] {
    return this.#query.streams
      .filter((glob) => glob !== '*' && !this.#streams.some((name) => takes([glob], name)))
      .map((glob) => `there is no stream like ${JSON.stringify(glob)}`);
  }

  #answer(now: Moment): AnswerJson {
    if (this.#query.aggregates.length === 0) throw new SedgeError('SEDGE_QUERY_INVALID', 'nothing is asked');
    return this.#aggregation.finish(
      {
        streams: this.#streams,
        lost: this.#lost,
        goneSeconds: this.#goneSeconds,
        stopped: this.#stopped,
        notes: this.#unmatched(),
      },
      now.wallMicros,
    );
  }
}
