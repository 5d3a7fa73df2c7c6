import { problemsShownMax } from './limits.ts';
import type { Problem } from './problem.ts';

export interface RenderOptions {
  /** ANSI colours. */
  readonly color?: boolean;
  readonly kind?: 'error' | 'warning';
}

/**
 * Problems as a compiler prints them:
 * ```
 * sedge.yaml:12:10: sources.line.qos: 3 is not 0, 1 or 2
 *   12 |     qos: 3
 *      |          ^
 * ```
 */
export function renderProblems(problems: readonly Problem[], options: RenderOptions = {}): string {
  const paint = options.color === true ? colours : plain;
  const mark = options.kind === 'warning' ? paint.yellow : paint.red;
  const shown = problems
    .slice(0, problemsShownMax)
    .map((problem) => renderOne(problem, paint, mark, options.kind));
  if (problems.length > problemsShownMax) shown.push(`… and ${problems.length - problemsShownMax} more`);
  return shown.join('\n');
}

function renderOne(problem: Problem, paint: Paint, mark: Brush, kind: RenderOptions['kind']): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const lines = [
    `${paint.bold(`${place}:`)} ${kind === 'warning' ? 'warning: ' : ''}${path}${problem.message}`,
  ];
  const number = String(problem.line).padStart(5);
  const margin = ' '.repeat(number.length);
  if (problem.excerpt.trim() !== '') {
    // Tabs stay tabs below the line, so that the caret stands where the terminal puts the character.
    const pad = problem.excerpt.slice(0, problem.excerptColumn - 1).replaceAll(/[^\t]/g, ' ');
    lines.push(`${paint.dim(`${number} |`)} ${problem.excerpt}`);
    lines.push(`${paint.dim(`${margin} |`)} ${pad}${mark('^'.repeat(problem.width))}`);
  }
  if (problem.meant !== null) lines.push(`${margin} ${paint.dim('=')} did you mean "${problem.meant}"?`);
  return lines.join('\n');
}

type Brush = (text: string) => string;

interface Paint {
  readonly bold: Brush;
  readonly dim: Brush;
  readonly red: Brush;
  readonly yellow: Brush;
}

const same: Brush = (text) => text;
const plain: Paint = { bold: same, dim: same, red: same, yellow: same };
const ansi =
  (code: number): Brush =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const colours: Paint = { bold: ansi(1), dim: ansi(2), red: ansi(31), yellow: ansi(33) };
