import type { DiskAnswer, WriteCall } from './disk-protocol.ts';
import type { WriteItem } from './doubts.ts';
import type { WriteOutcome } from './journal-store.ts';

/**
 * Keeps appends in their order when one is refused: what was asked behind it is refused with it, until it is asked again and
 * stored. So what is stored is always a prefix of what was asked, and a later append may build on an earlier one.
 */
export class AppendOrder {
  /** The first append that was refused and is not stored since. */
  #refused: { readonly place: number; readonly outcome: WriteOutcome } | null = null;

  /** Answers what is behind a refused append; returns the rest. */
  admit(asked: readonly WriteItem[], answers: DiskAnswer[]): WriteItem[] {
    const refused = this.#refused;
    // The one refused is asked again in this group: it will be stored before the others or refused with them.
    if (refused === null || asked.some(({ request }) => isAppendAt(request, refused.place)))
      return [...asked];
    return asked.filter(({ request }) => {
      if (request.call !== 'append' || placeOf(request) <= refused.place) return true;
      answers.push({ id: request.id, ok: true, answer: refused.outcome });
      return false;
    });
  }

  decided(request: WriteCall, outcome: WriteOutcome): void {
    if (request.call !== 'append') return;
    const place = placeOf(request);
    if (outcome.ok) {
      if (this.#refused?.place === place) this.#refused = null;
    } else if (this.#refused === null || place < this.#refused.place) {
      this.#refused = { place, outcome };
    }
  }
}

/** Without a place nothing is behind or before: 0. */
function placeOf(request: WriteCall): number {
  return request.place ?? 0;
}

function isAppendAt(request: WriteCall, place: number): boolean {
  return request.call === 'append' && placeOf(request) === place;
}
