import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { DeadLetterSampler, deadLetterStream, type DeadLetter } from '#agent/reading/dead-letter.ts';
import { rowsOf } from './rows.ts';

const minute = 60_000_000;

function letter(change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    topic: 'plant/1',
    payload: new TextEncoder().encode('{"a":'),
    reason: 'syntax',
    detail: 'Unexpected end of JSON input',
    source: 'line',
    stream: 'vibration',
    arrivalMicros: minute,
    ...change,
  };
}

const builder = (): BatchBuilder => new BatchBuilder({ stream: deadLetterStream, clock: 'agent' });

describe('DeadLetterSampler', () => {
  it('keeps what was refused and why', () => {
    const into = builder();
    expect(new DeadLetterSampler().offer(letter(), into)).toBe(true);
    expect(rowsOf(into.finish())).toEqual([
      {
        time: '1970-01-01T00:01:00.000Z',
        quality: 'good',
        tags: { reason: 'syntax', source: 'line', stream: 'vibration' },
        values: {
          topic: 'plant/1',
          detail: 'Unexpected end of JSON input',
          payload: '{"a":',
          payload_bytes: 5,
        },
      },
    ]);
  });

  it('keeps the first of each reason in a minute, then one in many, and counts all', () => {
    const into = builder();
    const sampler = new DeadLetterSampler({ first: 2, every: 5 });
    const kept = Array.from({ length: 14 }, () => sampler.offer(letter(), into));
    expect(kept.flatMap((one, i) => (one ? [i] : []))).toEqual([0, 1, 6, 11]);
    expect(sampler.offer(letter({ reason: 'time' }), into)).toBe(true);
    expect(sampler.offer(letter({ arrivalMicros: 2 * minute }), into)).toBe(true);
    expect(Object.fromEntries(sampler.counts())).toEqual({
      syntax: { offered: 15, kept: 5 },
      time: { offered: 1, kept: 1 },
    });
  });

  it('cuts a long payload, not in the middle of a character, and keeps what is no text as bytes', () => {
    const into = builder();
    const sampler = new DeadLetterSampler();
    sampler.offer(letter({ payload: new TextEncoder().encode(`${'x'.repeat(1023)}é`) }), into);
    sampler.offer(letter({ payload: new Uint8Array([255, 1]) }), into);
    expect(rowsOf(into.finish()).map((row) => [row.values['payload'], row.values['payload_bytes']])).toEqual([
      ['x'.repeat(1023), 1025],
      [new Uint8Array([255, 1]), 2],
    ]);
  });

  it('counts reasons beyond its bound together', () => {
    const into = builder();
    const sampler = new DeadLetterSampler();
    for (let i = 0; i < 100; i++) sampler.offer(letter({ reason: `r${i}` }), into);
    expect(sampler.counts().size).toBe(65);
    expect(sampler.counts().get('other')?.offered).toBe(36);
  });
});
