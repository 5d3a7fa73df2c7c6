import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runBenchFile } from '#scripts/bench-run.ts';
import { until } from '#test/support/until.ts';

describe('a file of benches', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sedge-bench-run-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function run(text: string, options: { filter?: string; minutes?: number } = {}) {
    const file = join(folder, 'fixture.bench.mjs');
    writeFileSync(file, text);
    const rows: unknown[] = [];
    const begun: string[] = [];
    const crashes = await runBenchFile({
      file,
      filter: options.filter ?? '',
      folder,
      endMillis: performance.now() + (options.minutes ?? 1) * 60_000,
      begun: (bench) => begun.push(bench),
      row: (row) => rows.push(row),
    });
    return { rows, begun, crashes };
  }

  const row = (name: string): string => `{ name: '${name}', figure: 1, unit: 'ms' }`;
  const good = `{ name: 'good', run: () => [${row('good')}] }`;

  it('goes on after a bench that takes too long, with what that one had to say, and ends what it started', async () => {
    const pidFile = join(folder, 'pid');
    const { rows, crashes } = await run(`
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      async function* slow() {
        writeFileSync('${pidFile}', String(spawn('sleep', ['600'], { stdio: 'ignore' }).pid));
        yield ${row('first half')};
        for (;;) ;
      }
      export const benches = [{ name: 'slow', secondsMax: 5, run: slow }, ${good}];
    `);

    expect(rows).toEqual([
      { name: 'first half', figure: 1, unit: 'ms' },
      { name: 'slow', skipped: 'not done within its 5 s' },
      { name: 'good', figure: 1, unit: 'ms' },
    ]);
    expect(crashes).toEqual([]);
    const started = `/proc/${readFileSync(pidFile, 'utf8')}/stat`;
    await until('the child to end', () => !existsSync(started) || / Z /.test(readFileSync(started, 'utf8')));
  });

  it('goes on after a bench that crashes, and says so', async () => {
    const { rows, crashes } = await run(`
      export const benches = [{ name: 'bad', run: () => process.exit(3) }, ${good}];
    `);

    expect(rows).toEqual([
      { name: 'bad', skipped: 'ended with exit code 3' },
      { name: 'good', figure: 1, unit: 'ms' },
    ]);
    expect(crashes).toEqual([{ bench: 'bad', why: 'ended with exit code 3' }]);
  });

  it('that does not load is a row and a crash', async () => {
    const { rows, crashes } = await run('process.exit(4)');

    expect(rows).toEqual([{ name: 'fixture.bench.mjs', skipped: 'ended with exit code 4' }]);
    expect(crashes).toHaveLength(1);
  });

  it('runs the benches with the name asked for', async () => {
    const { rows, begun } = await run(`export const benches = [{ name: 'other', run: () => [] }, ${good}];`, {
      filter: 'goo',
    });

    expect(begun).toEqual(['good']);
    expect(rows).toHaveLength(1);
  });

  it('begins nothing when the time of the whole table is over', async () => {
    const { rows, begun, crashes } = await run(`export const benches = [${good}, ${good}];`, { minutes: 0 });

    expect(begun).toEqual([]);
    expect(rows).toEqual([
      { name: 'good', skipped: 'the time for the whole table was over' },
      { name: 'good', skipped: 'the time for the whole table was over' },
    ]);
    expect(crashes).toEqual([]);
  });
});
