import { formatBytes, formatEstimate, formatPercent } from '../base/words.ts';

/** How full the buffer is and when it will be: `312 MiB of 512 MiB (61 %), full in about 9 days at this rate`. */
export function bufferWords(buffer: {
  readonly bytes: number;
  readonly sizeBytes: number;
  readonly fullInSeconds: number | null;
  readonly whenFull: 'block' | 'drop_oldest' | 'coarsen';
}): string {
  const percent = buffer.sizeBytes === 0 ? 0 : (buffer.bytes / buffer.sizeBytes) * 100;
  const filled = `${formatBytes(buffer.bytes)} of ${formatBytes(buffer.sizeBytes)} (${formatPercent(percent)})`;
  if (percent >= 99) return `${filled}, full: ${fullWords[buffer.whenFull]}`;
  if (buffer.fullInSeconds === null) return filled;
  return `${filled}, full in about ${formatEstimate(buffer.fullInSeconds)} at this rate`;
}

const fullWords = {
  block: 'sources wait until uplinks have taken some',
  drop_oldest: 'the oldest, least important readings are dropped',
  coarsen: 'the oldest readings become coarser',
} as const;
