import type { Settlement } from '../ports/store.ts';
import { pagesForAll, type EntryToStore } from './append.ts';
import { pageBytes } from './limits.ts';
import { pieceBytesOfTransaction } from './rollup/pieces.ts';
import type { Shares } from './settings.ts';

/** What may change the store, one group of which shares a transaction and a sync. */
export type WriteRequest =
  | { readonly kind: 'append'; readonly entries: readonly EntryToStore[]; readonly urgent?: boolean }
  | { readonly kind: 'settle'; readonly settlement: Settlement };

/** Readings, copies of readings, and what settling touches: a cursor, the leaves rows stood on, the lists of free pages. */
export function pagesTouched(requests: readonly WriteRequest[], shares: Shares): number {
  const appends = [];
  let pages = 0;
  for (const request of requests) {
    if (request.kind === 'append') {
      appends.push(request.entries);
      continue;
    }
    pages += 8 + Math.min(request.settlement.count, 4_096) / 64;
    if (request.settlement.outcome.kind === 'refused') pages += (1.1 * shares.refusalBytes) / pageBytes;
  }
  // Open windows are written when readings in them go.
  if (appends.length < requests.length) pages += pieceBytesOfTransaction(shares.walBytes) / pageBytes;
  return pages + pagesForAll(appends);
}
