import type { Entropy } from '../ports/entropy.ts';

/**
 * Names one life of a buffer: 64 random bits as 16 hex digits, drawn once when its database is created. Offsets count from 0 in
 * each database, so that (agent, epoch, stream, offset) is never given twice, even when a folder is wiped under the same agent.
 */
export function drawEpoch(entropy: Entropy): string {
  return hex(entropy.uint32()) + hex(entropy.uint32());
}

export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
