import { describe, expect, it } from 'vitest';
import { briefly, markdownTable, textTable, withBenchSection } from '#scripts/bench-table.ts';

const slow = { name: 'ingest', figure: 30_000, unit: 'msg/s', budget: 60_000, reference: 40_000 };
const small = { name: 'memory', figure: 66.25, unit: 'MiB', budget: 90, lowerIsBetter: true, note: 'a|b' };
const missing = { name: 'latency', skipped: 'no mosquitto' };

describe('the table of benches', () => {
  it('prints figure, budget, verdict, reference and ratio in columns', () => {
    const lines = textTable([slow, small, missing]).split('\n');

    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['bench', 'figure', 'budget', 'verdict', 'reference', 'ratio', 'reference is; note'],
      ['ingest', '30,000 msg/s', '≥ 60,000', 'MISSED', '40,000', '0.75×'],
      ['memory', '66.3 MiB', '≤ 90', 'met', 'a|b'],
      ['latency', 'skipped', 'no mosquitto'],
    ]);
  });

  it('meets a budget that is reached exactly, whichever way is better', () => {
    const [, least, most] = textTable([
      { ...slow, figure: 60_000 },
      { ...small, figure: 90 },
    ]).split('\n');

    expect(least).toContain('  met');
    expect(most).toContain('  met');
  });

  it('says a row in words while others run', () => {
    expect([slow, small, missing].map(briefly)).toEqual([
      'ingest: 30,000 msg/s, ≥ 60,000 MISSED, 0.75× of its reference',
      'memory: 66.3 MiB, ≤ 90 met',
      'latency: skipped, no mosquitto',
    ]);
  });

  it('is Markdown on demand, whatever the notes say', () => {
    expect(markdownTable([small]).split('\n').at(-1)).toBe(
      '| memory | 66.3 MiB | ≤ 90 | met |  |  | a\\|b |',
    );
  });
});

describe('the section of the README', () => {
  const readme =
    'above\n<!-- bench: begin. Written by `npm run bench -- --readme` -->\nold\n<!-- bench: end -->\nbelow\n';

  it('is replaced between its marks, and again', () => {
    const once = withBenchSection(readme, 'new');

    expect(once).toBe(readme.replace('\nold\n', '\n\nnew\n\n'));
    expect(withBenchSection(once, 'new')).toBe(once);
  });

  it('is not written where the marks are not', () => {
    expect(() => withBenchSection('above\nbelow\n', 'new')).toThrow(
      'README.md needs a line <!-- bench: begin',
    );
  });
});
