import { SedgeError } from '../base/errors.ts';
import { answerBytesMax, groupsMax, intervalsOfQueryMax, pointsOfQueryMax } from './limits.ts';

/** What one query may still hold in memory, over all its groups. */
export class AnswerBudget {
  #points = pointsOfQueryMax;
  #intervals = intervalsOfQueryMax;
  #bytes = answerBytesMax;
  #groups = groupsMax;

  /** True when so many values more may be kept as they are. */
  points(count: number): boolean {
    if (this.#points < count) return false;
    this.#points -= count;
    return true;
  }

  /** True when so many intervals more may be kept apart. */
  intervals(count: number): boolean {
    if (this.#intervals < count) return false;
    this.#intervals -= count;
    return true;
  }

  returnPoints(count: number): void {
    this.#points += count;
  }

  /** @throws {SedgeError} SEDGE_QUERY_TOO_LARGE */
  group(): void {
    if (--this.#groups < 0) throw tooLarge(`the answer has more than ${groupsMax} rows`);
  }

  /** @throws {SedgeError} SEDGE_QUERY_TOO_LARGE */
  bytes(count: number): void {
    this.#bytes -= count;
    if (this.#bytes < 0)
      throw tooLarge(`the answer needs more than ${answerBytesMax / 1024 ** 2} MiB of memory`);
  }
}

function tooLarge(message: string): SedgeError {
  return new SedgeError('SEDGE_QUERY_TOO_LARGE', message);
}
