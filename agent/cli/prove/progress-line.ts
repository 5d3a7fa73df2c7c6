import type { TextSink } from '../../ports/world.ts';

const eraseLine = '\r\u001b[K';
const everyMs = 100;

/** One line on a terminal that is written over; nothing where there is no terminal. */
export class ProgressLine {
  readonly #sink: TextSink;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  show(text: string): void {
    const { columns } = this.#sink;
    const now = performance.now();
    if (columns === null || now - this.#shownAt < everyMs) return;
    this.#shownAt = now;
    this.#sink.write(`${eraseLine}${text.slice(0, columns - 1)}`);
  }

  clear(): void {
    if (this.#sink.columns !== null) this.#sink.write(eraseLine);
  }
}
