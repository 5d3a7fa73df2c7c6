import type { DiskAnswer, WriteCall } from './disk-protocol.ts';
import type { WriteItem } from './doubts.ts';
import type { WriteOutcome } from './journal-store.ts';

interface Refused {
  readonly place: number;
  readonly outcome: WriteOutcome;
}

/**
 * Keeps appends in their order when one is refused: what was asked behind it is refused with it, until it is asked again and
 * stored. So what is stored is always a prefix of what was asked, and a later append may build on an earlier one. Urgent appends
 * have an order of their own: a buffer without room for the others may still have some for them.
 */
export class AppendOrder {
  /** The first append that was refused and is not stored since. */
  readonly #refused: { urgent: Refused | null; usual: Refused | null } = { urgent: null, usual: null };

  /** Answers what is behind a refused append; returns the rest. */
  admit(asked: readonly WriteItem[], answers: DiskAnswer[]): readonly WriteItem[] {
    if (this.#refused.usual === null && this.#refused.urgent === null) return asked;
    return asked.filter(({ request }) => {
      if (request.call !== 'append') return true;
      const refused = this.#refused[orderOf(request)];
      if (refused === null || placeOf(request) <= refused.place) return true;
      // The one refused is asked again in this group: it will be stored before the others or refused with them.
      if (asked.some((one) => isSame(one.request, request, refused.place))) return true;
      answers.push({ id: request.id, ok: true, answer: refused.outcome });
      return false;
    });
  }

  decided(request: WriteCall, outcome: WriteOutcome): void {
    if (request.call !== 'append') return;
    const place = placeOf(request);
    const order = orderOf(request);
    const refused = this.#refused[order];
    if (outcome.ok) {
      if (refused?.place === place) this.#refused[order] = null;
    } else if (refused === null || place < refused.place) {
      this.#refused[order] = { place, outcome };
    }
  }
}

function orderOf(request: WriteCall): 'urgent' | 'usual' {
  return request.urgent === true ? 'urgent' : 'usual';
}

/** Without a place nothing is behind or before: 0. */
function placeOf(request: WriteCall): number {
  return request.place ?? 0;
}

/** An append at `place`, in the order of `like`. */
function isSame(request: WriteCall, like: WriteCall, place: number): boolean {
  return request.call === 'append' && orderOf(request) === orderOf(like) && placeOf(request) === place;
}
