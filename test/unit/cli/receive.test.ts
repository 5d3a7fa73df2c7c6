import { describe, expect, it } from 'vitest';
import { summaryText } from '#agent/cli/receive.ts';
import type { StreamSummary } from '#agent/receiver/inbox.ts';

const row: StreamSummary = {
  agent: 'gw-7',
  epoch: '00000000000000aa',
  stream: 's',
  received: 1,
  summaries: 0,
  duplicates: 0,
  maxOffset: 0,
  missing: 0,
  gaps: [],
};

describe('the summary of sedge receive', () => {
  it('names a stream plainly while it has one epoch', () => {
    expect(summaryText([row], { json: false })).toBe('gw-7/s: 1 reading, 0 duplicates left out, no gaps\n');
  });

  it('tells the epochs of a stream apart, because gaps are counted within one', () => {
    const gap = {
      ...row,
      epoch: '00000000000000bb',
      received: 2_000,
      missing: 12,
      gaps: [
        [3, 4],
        [7, 18],
      ],
    } as const;

    expect(summaryText([row, gap, { ...gap, stream: 't', gaps: [[3, 5]] }], { json: false })).toBe(
      [
        'gw-7/s (epoch 00000000000000aa): 1 reading, 0 duplicates left out, no gaps\n',
        'gw-7/s (epoch 00000000000000bb): 2,000 readings, 0 duplicates left out, 12 missing, first 3\n',
        'gw-7/t: 2,000 readings, 0 duplicates left out, 12 missing, first 3 to 4\n',
      ].join(''),
    );
  });
});
