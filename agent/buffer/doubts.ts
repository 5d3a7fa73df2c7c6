import { assert } from '../base/assert.ts';
import type { WriteCall } from './disk-protocol.ts';
import type { Doubt, Verdict } from './doubt.ts';
import type { DoubtfulCommit, WriteOutcome } from './journal-store.ts';
import { doubtfulRequestsMax } from './limits.ts';

/** A request of the queue, and how often it met a failing disk. */
export interface WriteItem {
  readonly request: WriteCall;
  readonly tries: number;
}

interface Entry {
  readonly commit: DoubtfulCommit;
  /** Place of the request in the group that was committed. */
  readonly index: number;
}

export interface Settled {
  readonly decided: { readonly item: WriteItem; readonly outcome: WriteOutcome }[];
  /** Of commits that turned out to stand. */
  readonly grown: readonly string[];
  /** To be committed. */
  readonly rest: WriteItem[];
}

/** Remembers requests whose commit is in doubt, so that none is stored a second time when it is asked again. */
export class Doubts {
  readonly #judge: (doubt: Doubt) => Verdict;
  /** By the id of the latest request for it; oldest first. */
  readonly #entries = new Map<number, Entry>();

  constructor(judge: (doubt: Doubt) => Verdict) {
    this.#judge = judge;
  }

  /** `answered`: what each request of the group is told for now. */
  remember(group: readonly WriteItem[], answered: readonly WriteOutcome[], commit: DoubtfulCommit): void {
    for (const [index, { request }] of group.entries()) {
      if (answered[index]?.ok === false) this.#keep(request.id, { commit, index });
    }
  }

  /** Parts requests that were asked before, and whose fate is known or still open, from those to be committed. */
  settle(asked: readonly WriteItem[]): Settled {
    const decided: Settled['decided'] = [];
    const rest: WriteItem[] = [];
    const grown = new Set<string>();
    const open = new Set<Doubt>();
    for (const item of asked) {
      const entry = this.#take(item.request);
      if (entry === undefined) {
        rest.push(item);
        continue;
      }
      const { commit, index } = entry;
      // A disk that fails is asked once for a whole group.
      const verdict = open.has(commit.doubt) ? 'open' : this.#judge(commit.doubt);
      if (verdict === 'lost') {
        rest.push(item);
      } else if (verdict === 'stands') {
        const outcome = commit.outcomes[index];
        assert(outcome !== undefined, 'an outcome for each request');
        for (const stream of commit.grown) grown.add(stream);
        decided.push({ item, outcome });
      } else {
        open.add(commit.doubt);
        this.#keep(item.request.id, entry);
        decided.push({ item, outcome: stillOpen });
      }
    }
    return { decided, grown: [...grown], rest };
  }

  #take({ id, again }: WriteCall): Entry | undefined {
    const known = again ?? id;
    const entry = this.#entries.get(known);
    this.#entries.delete(known);
    return entry;
  }

  #keep(id: number, entry: Entry): void {
    this.#entries.set(id, entry);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > doubtfulRequestsMax && oldest.done !== true) this.#entries.delete(oldest.value);
  }
}

const stillOpen: WriteOutcome = {
  ok: false,
  trouble: 'io',
  message: 'the disk failed in a commit and can not be asked yet whether it stands',
};
