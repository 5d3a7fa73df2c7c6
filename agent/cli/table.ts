import { printable } from '../base/words.ts';

/** Plain columns for people: headers in capitals, numbers to the right, two spaces between. */
export interface TableColumn<Row> {
  readonly header: string;
  readonly align?: 'left' | 'right';
  cell(row: Row): string;
}

export function renderTable<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map((column) => printable(column.header.toUpperCase())),
    ...rows.map((row) => columns.map((column) => printable(column.cell(row)))),
  ];
  const widths = columns.map((_, c) => Math.max(...cells.map((line) => line[c]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, c) =>
          columns[c]!.align === 'right' ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((text) => `${text}\n`)
    .join('');
}
