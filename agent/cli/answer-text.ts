import type { AnswerJson, CellJson, FigureJson, RowJson } from '../query/answer.ts';
import { formatCount, formatPercent, printable } from '../base/words.ts';
import { renderTable, type TableColumn } from './table.ts';

/** An answer for people: a table of figures, lists and histograms below it, and last what it stands on. */
export function answerText(answer: AnswerJson): string {
  const parts = [figureTable(answer)];
  for (const row of answer.rows) {
    for (const [i, label] of answer.columns.entries()) {
      const cell = row.cells[i];
      if (cell === undefined || 'value' in cell) continue;
      const of = row.key.map((key) => key ?? '-').join(', ');
      parts.push(
        `${printable(of === '' ? label : `${label} of ${of}`)}\n${'items' in cell ? itemTable(cell) : partTable(cell)}`,
      );
    }
  }
  const last = [answer.coverage.words, ...answer.notes.map((note) => `note: ${printable(note)}`)];
  return `${[...parts.filter((part) => part !== ''), ''].join('\n')}${last.join('\n')}\n`;
}

function figureTable({ keys, columns, rows }: AnswerJson): string {
  const figures = columns.flatMap((label, i) =>
    rows.some((row) => isFigure(row.cells[i])) ? [{ label, i }] : [],
  );
  if (rows.length === 0 || figures.length === 0) return '';
  const shown: TableColumn<RowJson>[] = [
    ...keys.map((label, i) => ({ header: label, cell: (row: RowJson) => row.key[i] ?? '-' })),
    { header: 'readings', align: 'right', cell: (row) => formatCount(row.readings) },
    ...figures.map(({ label, i }): TableColumn<RowJson> => ({
      header: label,
      align: 'right',
      cell: (row) => figureText(row.cells[i] as FigureJson),
    })),
  ];
  return renderTable(shown, rows);
}

function isFigure(cell: CellJson | undefined): cell is FigureJson {
  return cell !== undefined && 'value' in cell;
}

/** `21.4`, or with the bounds of an estimate `21.43 (21.38 … 21.51)`, `12 (at least 10)`; less than certain: `412 (400 … 424, 95 %)`. */
function figureText({ value, low, high, confidence }: FigureJson): string {
  if (value === null) return '-';
  // At least nothing says nothing.
  if (high === null && low !== null && low > 0) return `${number(value)} (at least ${number(low)})`;
  if (low === null || high === null) return `about ${number(value)}`;
  if (low === high) return number(value);
  const sure = confidence < 1 ? `, ${formatPercent(100 * confidence)}` : '';
  return `${number(value)} (${number(low)} … ${number(high)}${sure})`;
}

function itemTable({ items }: Extract<CellJson, { items: unknown }>): string {
  return renderTable(
    [
      { header: 'item', cell: ({ item }) => item.slice(0, 80) },
      {
        header: 'count',
        align: 'right',
        cell: (item) => countText(item),
      },
    ],
    items,
  );
}

function countText({ count, low, high }: { count: number; low: number; high: number | null }): string {
  return figureText({ value: count, low, high, confidence: 1 });
}

function partTable({ parts }: Extract<CellJson, { parts: unknown }>): string {
  const most = parts.reduce((max, { count }) => Math.max(max, count), 1);
  return renderTable(
    [
      { header: 'from', align: 'right', cell: ({ from }) => number(from) },
      { header: 'to', align: 'right', cell: ({ to }) => number(to) },
      { header: 'count', align: 'right', cell: (part) => countText(part) },
      { header: '', cell: ({ count }) => '█'.repeat(Math.round((30 * count) / most)) },
    ],
    parts,
  );
}

/** Six figures where there is a point; integers whole. */
function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return value < 0 ? `-${formatCount(-value)}` : formatCount(value);
  }
  return String(Number(value.toPrecision(6)));
}
