import { pagesForAll } from './append.ts';
import type { WriteRequest } from './journal-store.ts';
import { pageBytes } from './limits.ts';
import type { Shares } from './settings.ts';

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
  return pages + pagesForAll(appends);
}
