import { formatBytes, formatEstimate, formatPercent } from '../base/words.ts';

/** What is done for want of room. */
export type WhenFull = 'block' | 'drop_oldest' | 'coarsen';

export interface BufferState {
  readonly bytes: number;
  /** With what may still be filled before it is full. */
  readonly sizeBytes: number;
  /** Null: it does not grow, or how fast is not known. */
  readonly fullInSeconds: number | null;
  /** Null: it is not full. */
  readonly full: WhenFull | null;
  /** It is the device that has no more room. */
  readonly deviceFull: boolean;
}

/** How full the buffer is and when it will be: `312 MiB of 512 MiB (61 %), full in about 9 days at this rate`. */
export function bufferWords(buffer: BufferState): string {
  const { bytes, sizeBytes, full, deviceFull } = buffer;
  if (full !== null) {
    const device = deviceFull ? ' (the device has no more room)' : '';
    return `${formatBytes(bytes)}, full${device}: ${fullWords[full]}`;
  }
  const percent = sizeBytes === 0 ? 0 : (bytes / sizeBytes) * 100;
  const filled = `${formatBytes(bytes)} of ${formatBytes(sizeBytes)} (${formatPercent(percent)})`;
  const outlook = outlookWords(buffer);
  return outlook === null ? filled : `${filled}, ${outlook}`;
}

/** The same for a line about something else; null when there is nothing to say. */
export function outlookWords({
  fullInSeconds,
  full,
}: Pick<BufferState, 'fullInSeconds' | 'full'>): string | null {
  if (full !== null) return `the buffer is full: ${fullWords[full]}`;
  if (fullInSeconds === null) return null;
  // What a quarter of an hour can tell does not reach further.
  if (fullInSeconds > farSeconds) return 'not full for months at this rate';
  return `full in about ${formatEstimate(Math.max(1, fullInSeconds))} at this rate`;
}

const farSeconds = 90 * 86_400;

const fullWords = {
  block: 'sources wait until uplinks have taken some',
  drop_oldest: 'the oldest, least important readings are dropped',
  coarsen: 'the oldest readings become coarser',
} as const;
