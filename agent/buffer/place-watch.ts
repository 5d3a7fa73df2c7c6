import { SedgeError } from '../base/errors.ts';
import { waiting } from './cursor.ts';
import { astrayMillisMax, placeCheckMillis } from './limits.ts';
import type { Moment, StoreCore } from './store-core.ts';

/** Looks now and then whether the database is in its place, and gives one up that does not come back. */
export class PlaceWatch {
  readonly #core: StoreCore;
  /** Monotonic milliseconds of the last look, and of the first that did not find it. */
  #lookedMillis = -Infinity;
  #astrayMillis: number | null = null;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** @throws {SedgeError} when the database is given up. */
  inPlace(now: Moment): boolean {
    const core = this.#core;
    if (now.monotonicMillis - this.#lookedMillis >= placeCheckMillis) {
      this.#lookedMillis = now.monotonicMillis;
      core.inPlace();
    }
    if (!core.astray) {
      this.#astrayMillis = null;
      return true;
    }
    this.#astrayMillis ??= now.monotonicMillis;
    if (now.monotonicMillis - this.#astrayMillis < astrayMillisMax && waitsForUplink(core)) return false;
    throw new SedgeError(
      'SEDGE_DATA_INVALID',
      `${core.space.database} was taken away and did not come back`,
      {
        hint: 'start the agent again: it goes on with the buffer that is there, or with an empty one',
      },
    );
  }
}

function waitsForUplink(core: StoreCore): boolean {
  for (const stream of core.memory.streams.values()) {
    for (const cursor of stream.cursors.values()) {
      if (!cursor.parked && waiting(cursor, stream.head) > 0) return true;
    }
  }
  return false;
}
