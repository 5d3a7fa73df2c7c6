import { expect, it } from 'vitest';
import { bufferWords } from '#agent/operate/buffer-words.ts';

it('says how full the buffer is, when it will be, and what then', () => {
  const buffer = { bytes: 312 * 1_024 ** 2, sizeBytes: 512 * 1_024 ** 2, whenFull: 'block' } as const;

  expect(bufferWords({ ...buffer, fullInSeconds: 9 * 86_400 })).toBe(
    '312 MiB of 512 MiB (61 %), full in about 9 days at this rate',
  );
  expect(bufferWords({ ...buffer, fullInSeconds: null })).toBe('312 MiB of 512 MiB (61 %)');
  expect(bufferWords({ ...buffer, bytes: buffer.sizeBytes, fullInSeconds: 0 })).toBe(
    '512 MiB of 512 MiB (100 %), full: sources wait until uplinks have taken some',
  );
});
