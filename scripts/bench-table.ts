import type { BenchResult, BenchRow } from '../test/bench/bench.ts';

const head = ['bench', 'figure', 'budget', 'verdict', 'reference', 'ratio', 'reference is; note'];
const alignedRight = new Set([1, 2, 4, 5]);

/** Null where there is no budget. */
export function budgetMet({ figure, budget, lowerIsBetter = false }: BenchResult): boolean | null {
  if (budget === undefined) return null;
  return lowerIsBetter ? figure <= budget : figure >= budget;
}

/** The figure over its reference; null where nothing compares. */
export function ratioOf({ figure, reference }: BenchResult): number | null {
  return reference === undefined ? null : figure / reference;
}

/** Columns for a terminal. */
export function textTable(rows: readonly BenchRow[]): string {
  const all = [head, ...rows.map(cells)];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) =>
        i === row.length - 1
          ? cell
          : alignedRight.has(i)
            ? cell.padStart(widths[i]!)
            : cell.padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

/** One row for a person who waits: what it is, its figure, its budget. */
export function briefly(row: BenchRow): string {
  const [name, figure, budget, verdict, , ratio, note] = cells(row);
  if ('skipped' in row) return `${name}: skipped, ${note}`;
  const parts = [figure, [budget, verdict].join(' ').trim(), ratio === '' ? '' : `${ratio} of its reference`];
  return `${name}: ${parts.filter((part) => part !== '').join(', ')}`;
}

export function markdownTable(rows: readonly BenchRow[]): string {
  const row = (texts: readonly string[]): string =>
    `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, column) => (alignedRight.has(column) ? '---:' : '---'));
  return [row(['what', ...head.slice(1)]), row(rule), ...rows.map((one) => row(cells(one)))].join('\n');
}

const sectionBegin = '<!-- bench: begin. Written by `npm run bench -- --readme` -->';
const sectionEnd = '<!-- bench: end -->';

/** `readme` with `text` between its two marks. @throws where it has not got them. */
export function withBenchSection(readme: string, text: string): string {
  const begin = readme.indexOf(sectionBegin);
  const end = readme.indexOf(sectionEnd);
  if (begin === -1 || end < begin)
    throw new Error(`README.md needs a line ${sectionBegin} and a line ${sectionEnd} below it`);
  return `${readme.slice(0, begin + sectionBegin.length)}\n\n${text}\n\n${readme.slice(end)}`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

function cells(row: BenchRow): string[] {
  if ('skipped' in row) return [row.name, 'skipped', '', '', '', '', row.skipped];
  const { name, figure, unit, budget, reference, referenceName, lowerIsBetter = false, note } = row;
  const met = budgetMet(row);
  const ratio = ratioOf(row);
  return [
    name,
    `${number(figure)} ${unit}`,
    budget === undefined ? '' : `${lowerIsBetter ? '≤' : '≥'} ${number(budget)}`,
    met === null ? '' : met ? 'met' : 'MISSED',
    reference === undefined ? '' : number(reference),
    ratio === null ? '' : `${number(ratio)}×`,
    [referenceName, note].filter((part) => part !== undefined && part !== '').join('; '),
  ];
}
