/**
 * Runs the benches of test/bench and prints one table: figure, budget, verdict, ratio to a reference of the same run.
 * `npm run bench -- [NAME] [--json FILE] [--readme] [--minutes N]`.
 *
 * NAME narrows to benches whose name or file holds it; `--json -` prints JSON in place of the table, `--json FILE` writes it beside the table;
 * `--readme` writes the rows that the README shows into it, and builds the executables first where they are older than the sources; no bench begins after N minutes (20). Progress goes to stderr. Each bench ends within
 * its own time: one that cannot run, crashes or takes too long is a row that says so. Ends 1 when a bench crashed, never because of a figure.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchRow } from '../test/bench/bench.ts';
import { type BenchCrash, runBenchFile } from './bench-run.ts';
import { briefly, budgetMet, markdownTable, ratioOf, textTable, withBenchSection } from './bench-table.ts';
import { root, runStep } from './steps.ts';

const benchFolder = join(root, 'test/bench');
/** What the design has budgets for comes first: it is there when the rest is waited for no longer. */
const filesFirst = ['ingest', 'peers', 'latency', 'start', 'memory', 'size', 'codec', 'buffer'];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    readme: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '20' },
  },
});

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

const nameOf = (file: string): string => file.replace('.bench.ts', '');

function benchFiles(): string[] {
  const rank = (file: string): number => {
    const found = filesFirst.indexOf(nameOf(file));
    return found === -1 ? filesFirst.length : found;
  };
  return readdirSync(benchFolder)
    .filter((name) => name.endsWith('.bench.ts'))
    .toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

const secondsSince = (began: number): number => Math.round((performance.now() - began) / 1000);

/** On a terminal the line of what runs is written over; elsewhere each stands. */
function progress(line: string, options: { stays: boolean }): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}${options.stays ? '\n' : ''}`);
  else if (line !== '') process.stderr.write(`${line}\n`);
}

interface Measured {
  readonly machine: string;
  readonly seconds: number;
  /** Of each file, what other programs took of the cores meanwhile. */
  readonly others: readonly string[];
  readonly rows: readonly BenchRow[];
  /** Those that the README shows: what stands behind a budget of the design, measured or not. */
  readonly headlines: readonly BenchRow[];
  readonly crashes: readonly BenchCrash[];
}

async function measure(folder: string, filter: string): Promise<Measured> {
  const began = performance.now();
  const rows: BenchRow[] = [];
  const headlines: BenchRow[] = [];
  const crashes: BenchCrash[] = [];
  const others: string[] = [];
  for (const file of benchFiles()) {
    const before = cpuTicks();
    const count = rows.length;
    const ended = await runBenchFile({
      file: join(benchFolder, file),
      filter,
      folder,
      endMillis: began + Number(flags.minutes) * 60_000,
      begun: (bench) => progress(`${secondsSince(began)} s: ${bench} …`, { stays: false }),
      row: (row) => {
        rows.push(row);
        if ('skipped' in row ? filesFirst.includes(nameOf(file)) : row.headline === true) headlines.push(row);
        progress(`${secondsSince(began)} s: ${briefly(row)}`, { stays: true });
      },
    });
    crashes.push(...ended);
    if (rows.length > count) others.push(`${nameOf(file)} ${othersPercent(before)} %`);
  }
  progress('', { stays: false });
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}, ${new Date().toISOString()}`;
  return { machine, seconds: secondsSince(began), others, rows, headlines, crashes };
}

function asJson({ machine, seconds, others, rows, crashes }: Measured): string {
  const results = rows.map((row) =>
    'skipped' in row ? row : { ...row, ratio: ratioOf(row), met: budgetMet(row) },
  );
  return `${JSON.stringify({ machine, seconds, others, results, crashes }, null, 2)}\n`;
}

function asText({ machine, seconds, others, rows }: Measured): string {
  if (rows.length === 0) return 'no bench has that name';
  return `${machine}\n\n${textTable(rows)}\n\n${seconds} s. Cores taken by other programs meanwhile: ${others.join(', ')}`;
}

function writeReadme(measured: Measured): void {
  const file = join(root, 'README.md');
  const text = `${markdownTable(measured.headlines)}\n\n${measured.machine}. Cores taken by other programs meanwhile: ${measured.others.join(', ')}.`;
  writeFileSync(file, withBenchSection(readFileSync(file, 'utf8'), text));
}

/** What is measured is the executable where there is one: an old one gives old figures. */
function isBuilt(): boolean {
  const newest = readdirSync(join(root, 'agent'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .reduce((latest, name) => Math.max(latest, statSync(join(root, 'agent', name)).mtimeMs), 0);
  const executable = statSync(join(root, `dist/sedge-linux-${process.arch}`), { throwIfNoEntry: false });
  return executable !== undefined && executable.mtimeMs >= newest;
}

async function main(): Promise<number> {
  if (!(Number(flags.minutes) > 0) || positionals.length > 1 || (flags.readme && positionals.length > 0)) {
    console.error('bench: one NAME at most, and none with --readme; --minutes takes a number above 0');
    return 64;
  }
  if (!isBuilt()) {
    if (flags.readme) await runStep(process.execPath, [join(root, 'scripts/build.ts')]);
    else console.error('bench: the executable in dist/ is older than agent/, or missing: npm run build');
  }
  const folder = mkdtempSync(join(tmpdir(), 'sedge-benches-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  // `exit` ends what still runs.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
  const measured = await measure(folder, positionals[0] ?? '');
  if (flags.json === '-') process.stdout.write(asJson(measured));
  else console.log(asText(measured));
  if (flags.json !== undefined && flags.json !== '-') writeFileSync(flags.json, asJson(measured));
  if (flags.readme) writeReadme(measured);
  for (const { bench, why } of measured.crashes) console.error(`bench: ${bench} ${why}`);
  return measured.crashes.length > 0 ? 1 : 0;
}

process.exitCode = await main();
