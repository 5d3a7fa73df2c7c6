import type { ReadingJson } from '../api/contract.ts';
import type { StoredRun } from '../ports/store.ts';
import type { Batch } from '../reading/batch.ts';
import { encodeNdjson } from '../reading/encode-ndjson.ts';

/** Stored readings as programs get them: the very lines an uplink sends. */
export function readingsJson(run: StoredRun, agent: string): ReadingJson[] {
  return parsed(encodeNdjson({ agent, batch: run.batch, first: run.first, fidelity: run.fidelity }));
}

/** Readings on their way, which have no offset yet. At most `count`, from the front. */
export function passingJson(batch: Batch, agent: string, count: number): ReadingJson[] {
  const rows = Math.min(count, batch.length);
  return parsed(encodeNdjson({ agent, batch, first: 0, fidelity: 'raw' }, 0, rows)).map((reading) => ({
    ...reading,
    offset: null,
  }));
}

function parsed(lines: string): ReadingJson[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReadingJson);
}
