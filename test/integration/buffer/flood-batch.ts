import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Batch } from '#agent/reading/batch.ts';

export const floodStreams = ['flood-0', 'flood-1', 'flood-2'] as const;
export const floodReadings = 50;

/** Everything that is sealed goes up the ladder at once. */
export const climbing = {
  whenFull: 'coarsen',
  ladderShare: 1,
  seal: { readings: 1_000, bytes: 64 * 1024, ageMillis: 50 },
} as const;

/** Batch `number` of a flood: its readings carry `number * floodReadings + i`, so that each is known again. */
export function entryBatch(number: number): Batch {
  const builder = new BatchBuilder({ stream: floodStreams[number % floodStreams.length]!, clock: 'device' });
  const tags = {};
  for (let i = 0; i < floodReadings; i++) {
    builder.begin({ tags, timeMicros: 1_700_000_000_000_000 + number * 1_000 + i });
    builder.set('v', number * floodReadings + i);
    // Summaries are smaller only than what does not compress away.
    builder.set('noise', Math.sin((number * floodReadings + i) ** 2));
  }
  return builder.finish();
}
