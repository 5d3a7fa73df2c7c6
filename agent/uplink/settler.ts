import { SedgeError, messageOf } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import type { UplinkEvents } from './events.ts';
import { uplinkLimits } from './limits.ts';
import type { OffsetRange } from './ranges.ts';

export interface SettleRequest {
  readonly stream: string;
  readonly range: OffsetRange;
  /** Offsets the receiver refused, with its words; every other one was taken. */
  readonly refused: ReadonlyMap<number, string>;
  /** Bytes sent for the range, charged to the budget of `day()`. */
  readonly bytes: number;
  readonly day: () => number;
  /** False when the uplink stops: then a store in trouble is not asked again. */
  readonly goesOn: () => boolean;
}

/** Tells the store what became of a range, run by run in ascending order, so that no more than one settled range is added. */
export class Settler {
  readonly #uplink: string;
  readonly #store: Pick<Store, 'settle'>;
  readonly #clock: Clock;
  readonly #events: UplinkEvents;

  constructor(uplink: string, ports: { store: Pick<Store, 'settle'>; clock: Clock; events: UplinkEvents }) {
    this.#uplink = uplink;
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#events = ports.events;
  }

  /** Counts what the store has; `whole` says that it is everything. */
  async settle(request: SettleRequest): Promise<{ whole: boolean; delivered: number; refused: number }> {
    let { bytes } = request;
    let delivered = 0;
    let refused = 0;
    for (const run of runsOfFate(request.range, request.refused)) {
      if (!(await this.#settleRun(request, run, bytes))) return { whole: false, delivered, refused };
      bytes = 0;
      if (run.words === null) {
        delivered += run.count;
        continue;
      }
      refused += run.count;
      const last = run.first + run.count - 1;
      const { words, first, count } = run;
      this.#events.refused({ stream: request.stream, first, last, readings: count, words });
    }
    return { whole: true, delivered, refused };
  }

  async #settleRun(request: SettleRequest, run: FateRun, bytes: number): Promise<boolean> {
    for (;;) {
      try {
        await this.#store.settle({
          uplink: this.#uplink,
          stream: request.stream,
          first: run.first,
          count: run.count,
          outcome: run.words === null ? { kind: 'delivered' } : { kind: 'refused', words: run.words },
          bytes,
          day: request.day(),
        });
        return true;
      } catch (error) {
        const what = `settle ${request.stream} ${run.first}-${run.first + run.count - 1}`;
        if (error instanceof SedgeError) {
          // Asked again, a store that calls it misuse says the same. The readings stay its own and leave again after a restart.
          this.#events.settlementRejected(what, messageOf(error));
          return true;
        }
        this.#events.storeFailed(what, messageOf(error));
      }
      if (!request.goesOn()) return false;
      const pause = Promise.withResolvers<void>();
      this.#clock.after(uplinkLimits.settleRetryMs, pause.resolve);
      await pause.promise;
    }
  }
}

interface FateRun {
  readonly first: number;
  readonly count: number;
  /** Null for delivered. */
  readonly words: string | null;
}

/** Offsets of `range` in runs of one fate: ascending, without holes. */
export function* runsOfFate(range: OffsetRange, refused: ReadonlyMap<number, string>): Generator<FateRun> {
  let first = range[0];
  let words = refused.get(first) ?? null;
  for (let offset = range[0] + 1; offset < range[1]; offset++) {
    const fate = refused.get(offset) ?? null;
    if (fate === words) continue;
    yield { first, count: offset - first, words };
    first = offset;
    words = fate;
  }
  yield { first, count: range[1] - first, words };
}
