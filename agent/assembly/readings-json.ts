import type { PageJson, ReadingJson } from '../api/contract.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Store, StoredRun } from '../ports/store.ts';
import type { Batch } from '../reading/batch.ts';
import { encodeNdjson } from '../reading/encode-ndjson.ts';
import { parseExact } from '../reading/exact-json.ts';

/** Stored readings as programs get them: the very lines an uplink sends. */
export function readingsJson(
  run: StoredRun,
  from: { readonly agent: string; readonly epoch: string },
): ReadingJson[] {
  return parsed(encodeNdjson({ ...run, ...from }));
}

const pageBytes = 1024 * 1024;

/** A page of stored readings. `walk`: the one this page goes on with, or one of the caller's making. */
export interface PageAsked {
  readonly stream: string;
  readonly from: number;
  readonly count: number;
  readonly walk: string;
}

/** A name for a new walk. */
export const newWalk = (entropy: Entropy): string =>
  entropy.uint32().toString(36) + entropy.uint32().toString(36);

/** Stored readings from an offset on, over as many runs as it takes. */
export async function readPage(
  store: Pick<Store, 'read' | 'epoch'>,
  asked: PageAsked,
  agent: string,
): Promise<PageJson> {
  const { stream, walk } = asked;
  const readings: ReadingJson[] = [];
  let next: number | null = asked.from;
  while (next !== null && readings.length < asked.count) {
    const run: StoredRun | null = await store.read({
      stream,
      walk,
      from: next,
      readings: asked.count - readings.length,
      bytes: pageBytes,
    });
    if (run !== null) readings.push(...readingsJson(run, { agent, epoch: store.epoch }));
    next = run === null ? null : run.until;
  }
  return { stream, readings, next, walk };
}

/** Readings on their way, which have neither epoch nor offset yet. At most `count`, from the front. */
export function passingJson(batch: Batch, agent: string, count: number): ReadingJson[] {
  const rows = Math.min(count, batch.length);
  return parsed(encodeNdjson({ agent, epoch: '', batch, first: 0, fidelity: 'raw' }, 0, rows)).map(
    (reading) => ({ ...reading, epoch: null, offset: null }),
  );
}

function parsed(lines: string): ReadingJson[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseExact(line) as ReadingJson);
}
