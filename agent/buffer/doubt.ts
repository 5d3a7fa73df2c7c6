import { DiskError } from '../ports/database.ts';
import type { Cursor } from './cursor.ts';
import type { Budget, StoreMemory } from './memory.ts';

/**
 * What a transaction meant to leave behind. Each figure only ever grows, and the transaction made it grow: as soon as the database says
 * so much, the transaction stands, whatever came after it.
 */
export type Claim =
  | { readonly kind: 'account'; readonly stream: string; readonly key: string; readonly count: number }
  | { readonly kind: 'cursor'; readonly stream: string; readonly uplink: string; readonly settled: number }
  | { readonly kind: 'budget'; readonly uplink: string; readonly budget: Budget };

export function settledBy(cursor: Cursor): number {
  return cursor.delivered + cursor.refused + cursor.dropped;
}

function holds(claim: Claim, memory: StoreMemory): boolean {
  if (claim.kind === 'budget') {
    const { day, bytes } = memory.budgets.get(claim.uplink) ?? { day: -1, bytes: 0 };
    return day > claim.budget.day || (day === claim.budget.day && bytes >= claim.budget.bytes);
  }
  const stream = memory.streams.get(claim.stream);
  if (claim.kind === 'account') return (stream?.ledger.get(claim.key) ?? 0) >= claim.count;
  const cursor = stream?.cursors.get(claim.uplink);
  return cursor !== undefined && settledBy(cursor) >= claim.settled;
}

export type Verdict = 'open' | 'stands' | 'lost';

/**
 * A commit of which nobody can say yet whether it stands: its sync failed, or it went into files their path does not lead to any more. What the
 * database says once it can be read again decides. Until then nothing of the commit may be repeated, and nothing of it acknowledged.
 */
export class Doubt {
  readonly #claims: readonly Claim[];
  #verdict: Verdict = 'open';

  constructor(claims: readonly Claim[]) {
    this.#claims = claims;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** A transaction that claims nothing changed nothing that could double: it is done again. */
  judge(memory: StoreMemory): void {
    const stands = this.#claims.length > 0 && this.#claims.every((claim) => holds(claim, memory));
    this.#verdict = stands ? 'stands' : 'lost';
  }
}

/** Thrown by a transaction of which only opening the database anew can tell whether it stands; `result` is what it gave. */
export class CommitInDoubt extends DiskError {
  readonly doubt: Doubt;
  readonly result: unknown;

  constructor(cause: DiskError, doubt: Doubt, result: unknown) {
    super(cause.trouble, cause.message, { cause });
    this.doubt = doubt;
    this.result = result;
  }
}
