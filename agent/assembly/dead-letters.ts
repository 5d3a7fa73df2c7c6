import type { DeadLetter, DeadLetters } from '../ingest/arrival.ts';
import type { Batch } from '../reading/batch.ts';
import { BatchBuilder } from '../reading/batch-builder.ts';
import { DeadLetterSampler, deadLetterStream } from '../reading/dead-letter.ts';

/** The reading room's sampler as the intake wants it. */
export function sampledDeadLetters(): DeadLetters {
  const sampler = new DeadLetterSampler();
  let builder: BatchBuilder | null = null;
  return {
    stream: deadLetterStream,
    offer: (letter: DeadLetter) => {
      builder ??= new BatchBuilder({ stream: deadLetterStream, clock: 'agent' });
      sampler.offer(letter, builder);
    },
    take: (): Batch | null => {
      if (builder === null || builder.length === 0) return null;
      const batch = builder.finish();
      builder = null;
      return batch;
    },
  };
}
