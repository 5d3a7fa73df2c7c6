/**
 * All tests that need nothing but npm: checks of the sources, then unit, property and integration tests. With `--all` also
 * what needs Debian packages, mounts or minutes; with `--full` only that. The last line is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecks } from './check.ts';
import { runStep } from './steps.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

async function runVitest(projects: readonly string[], filters: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-test-'));
  const summary = join(folder, 'summary.json');
  const code = await runStep(
    'vitest',
    [
      'run',
      ...projects.flatMap((name) => ['--project', name]),
      '--reporter=default',
      '--reporter=./test/support/summary-reporter.ts',
      ...filters,
    ],
    { SEDGE_TEST_SUMMARY: summary },
  );
  try {
    const counts = JSON.parse(readFileSync(summary, 'utf8')) as Counts;
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const words = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
const filters = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const base = words.has('--full') ? [] : ['unit', 'property', 'integration'];
const full = words.has('--full') || words.has('--all') ? ['full'] : [];
const withChecks = filters.length === 0 && base.length > 0;

const checks = withChecks ? await runChecks() : { passed: 0, failed: [] };
const counts = await runVitest([...base, ...full], filters);
if (checks.failed.length > 0) console.log(`\nchecks that failed: ${checks.failed.join(', ')}`);
const total = {
  ...counts,
  passed: counts.passed + checks.passed,
  failed: counts.failed + checks.failed.length,
};
const file = process.env['SEDGE_COUNTS'];
if (file !== undefined) writeFileSync(file, JSON.stringify(total));
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
