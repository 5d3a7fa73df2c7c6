/**
 * Runs the benches of test/bench, each file in a process of its own, and prints one table. `node scripts/bench.ts [NAME] [--json]`; NAME
 * narrows to benches whose name or file holds it. Ends 1 when a bench crashes, never because of a figure.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchResult, BenchSkip } from '../test/bench/bench.ts';
import type { BenchMessage } from '../test/support/bench-child.ts';
import { root } from './steps.ts';

const folder = join(root, 'test/bench');
const parameters = process.argv.slice(2);
const asJson = parameters.includes('--json');
const filter = parameters.find((parameter) => !parameter.startsWith('--')) ?? '';

/** Runs one file; answers how it ended when that was not well. */
async function runFile(
  file: string,
  each: (result: BenchResult | BenchSkip) => void,
): Promise<string | null> {
  const child = fork(
    join(root, 'test/support/bench-child.ts'),
    [pathToFileURL(join(folder, file)).href, filter],
    // What a bench prints goes beside the table.
    { execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'], stdio: ['ignore', 2, 2, 'ipc'] },
  );
  child.on('message', (message: BenchMessage) => {
    if (message.kind === 'begun') progress(`${file}: ${message.bench}`);
    else each(message.result);
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return code === 0 ? null : `${file} ended with ${signal ?? `exit code ${code}`}`;
}

/** CPU time in ticks: of the whole machine, and of this process and the children it has waited for. */
function cpuTicks(): { readonly machine: number; readonly idle: number; readonly own: number } {
  const [user, nice, system, idle, wait, interrupt, soft, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number, number];
  const text = readFileSync('/proc/self/stat', 'utf8');
  const own = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return {
    machine: user + nice + system + idle + wait + interrupt + soft + steal,
    idle: idle + wait,
    own: own.reduce((sum, ticks) => sum + ticks, 0),
  };
}

/** Share of the machine that went to other programs, in percent, since `before`. */
function othersPercent(before: ReturnType<typeof cpuTicks>): number {
  const now = cpuTicks();
  const machine = now.machine - before.machine;
  const busy = machine - (now.idle - before.idle);
  return Math.max(0, Math.round(((busy - (now.own - before.own)) / machine) * 100));
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text === '' ? '' : `running ${text}`}`);
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

/** Null where there is no budget. */
function budgetMet({ figure, budget, lowerIsBetter = false }: BenchResult): boolean | null {
  if (budget === undefined) return null;
  return lowerIsBetter ? figure <= budget : figure >= budget;
}

function cells(result: BenchResult | BenchSkip): string[] {
  if ('skipped' in result) return [result.name, 'skipped', '', '', '', '', result.skipped];
  const { name, figure, unit, budget, reference, referenceName = '', lowerIsBetter = false, note } = result;
  const met = budgetMet(result);
  return [
    name,
    `${number(figure)} ${unit}`,
    budget === undefined ? '' : `${lowerIsBetter ? '≤' : '≥'} ${number(budget)}`,
    met === null ? '' : met ? 'met' : 'MISSED',
    reference === undefined ? '' : number(reference),
    reference === undefined ? '' : `${number(figure / reference)}×`,
    [referenceName, note].filter((part) => part !== undefined && part !== '').join('; '),
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  const head = ['bench', 'figure', 'budget', '', 'reference', 'ratio', 'reference is; note'];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const right = new Set([1, 2, 4, 5]);
  return all
    .map((row) =>
      row
        .map((cell, i) =>
          i === 6 ? cell : right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}, ${new Date().toISOString()}`;
if (!asJson) console.log(machine);
const results: (BenchResult | BenchSkip)[] = [];
const crashes: string[] = [];
const began = performance.now();
const others: string[] = [];
for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.bench.ts'))
  .toSorted()) {
  const before = cpuTicks();
  const count = results.length;
  const crash = await runFile(file, (result) => results.push(result));
  if (crash !== null) crashes.push(crash);
  if (results.length > count) others.push(`${file.replace('.bench.ts', '')} ${othersPercent(before)} %`);
}
progress('');
if (asJson) {
  const rows = results.map((result) =>
    'skipped' in result
      ? result
      : {
          ...result,
          ratio: result.reference === undefined ? null : result.figure / result.reference,
          met: budgetMet(result),
        },
  );
  console.log(JSON.stringify({ machine, others, results: rows, crashes }, null, 2));
} else if (results.length > 0) console.log(table(results.map(cells)));
else console.log(`no bench is named ${filter}`);
if (!asJson && results.length > 0) {
  console.log(
    `\n${Math.round((performance.now() - began) / 1000)} s. Cores taken by other programs meanwhile: ${others.join(', ')}`,
  );
}
for (const crash of crashes) console.error(`bench: ${crash}`);
process.exitCode = crashes.length > 0 ? 1 : 0;
