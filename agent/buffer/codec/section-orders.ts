/**
 * In which order the sections of a stream's blocks came out smaller, so that not every block is written in both. A stream's blocks
 * resemble each other; where one does not, it takes some more bytes until both orders are tried again.
 */
export class SectionOrders {
  /** By section: 1 grouped by series, 0 in order of arrival, `untried`. */
  #grouped = new Uint8Array(0);
  /** Blocks written since both orders were tried. */
  #blocks = 0;

  /** A block of so many sections follows. */
  open(sections: number): void {
    if (this.#grouped.length === sections && ++this.#blocks < blocksBetweenTries) return;
    this.#grouped = new Uint8Array(sections).fill(untried);
    this.#blocks = 0;
  }

  /** Null: both are to be tried. */
  isGrouped(section: number): boolean | null {
    const grouped = this.#grouped[section] ?? untried;
    return grouped === untried ? null : grouped === 1;
  }

  learn(section: number, grouped: boolean): void {
    this.#grouped[section] = grouped ? 1 : 0;
  }
}

const untried = 2;
/** Trying costs as much again as writing: once in so many blocks it is a few percent, and a change is noticed within as many. */
const blocksBetweenTries = 16;
