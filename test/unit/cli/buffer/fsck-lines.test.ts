import { expect, it } from 'vitest';
import { fsckLines } from '#agent/cli/buffer/fsck-lines.ts';

const report = { streams: 1, segments: 3, readings: 1200, findings: [], setAside: 0 };

it('says that all is sound', () => {
  expect(fsckLines(report)).toEqual(['1,200 readings in 3 blocks and rows of 1 stream: all sound']);
});

it('says of each finding where it is and whether it was set aside', () => {
  const damage = { kind: 'damaged', stream: 's', first: 30, count: 1, detail: 'checksum: bad' } as const;
  const miscount = { kind: 'aggregate', stream: 's', first: 0, count: 0, detail: 'claims 7' } as const;
  const findings = [
    { ...damage, repaired: true },
    { ...damage, count: 2, repaired: false },
    { ...miscount, repaired: true },
  ];

  expect(fsckLines({ ...report, findings })).toEqual([
    'damaged: 1 reading of s from offset 30: checksum: bad (set aside)',
    'damaged: 2 readings of s from offset 30: checksum: bad',
    'aggregate: claims 7 (repaired)',
    '1,200 readings in 3 blocks and rows of 1 stream: 3 findings',
  ]);
});

it('does not keep still about damage that was met before', () => {
  expect(fsckLines({ ...report, setAside: 30 }).at(-1)).toBe(
    '30 readings set aside earlier as damaged: in the ledger as dropped (damaged), not among these',
  );
});
