import { uplinkLimits } from './limits.ts';
import type { RefusedReading } from './sink.ts';

const decoder = new TextDecoder();

/** What a receiver said, in one bounded line without control characters. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  if (line.length <= uplinkLimits.wordsLengthMax) return line;
  return `${line.slice(0, uplinkLimits.wordsLengthMax - 1)}…`;
}

/** `HTTP 422: the body's words`, or `HTTP 422` when it has none. */
export function wordsOfAnswer(status: number, body: Uint8Array): string {
  const text = oneLine(decoder.decode(body));
  return oneLine(text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`);
}

/**
 * The per-reading refusals of an answer, `{"refused":[{"offset":1042,"reason":"…"}]}`; null when the body is not such an object.
 * Entries that are not well formed are skipped; at most `limit` are kept.
 */
export function refusedReadings(body: Uint8Array, limit: number): readonly RefusedReading[] | null {
  let answer: unknown;
  try {
    answer = JSON.parse(decoder.decode(body));
  } catch {
    return null;
  }
  if (typeof answer !== 'object' || answer === null || !('refused' in answer)) return null;
  const list = answer.refused;
  if (!Array.isArray(list)) return null;
  const refused: RefusedReading[] = [];
  for (const entry of list as unknown[]) {
    if (refused.length >= limit) break;
    if (typeof entry !== 'object' || entry === null || !('offset' in entry)) continue;
    const { offset } = entry;
    if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) continue;
    const reason = 'reason' in entry && typeof entry.reason === 'string' ? oneLine(entry.reason) : '';
    refused.push({ offset, reason: reason === '' ? 'refused without a reason' : reason });
  }
  return refused;
}

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds from `wallMs`: seconds or an HTTP date; undefined when it is neither. */
export function retryAfterMs(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return bounded(Number(text) * 1000);
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : bounded(date - wallMs);
}

const bounded = (ms: number): number => Math.min(Math.max(ms, 0), uplinkLimits.retryAfterMsMax);
