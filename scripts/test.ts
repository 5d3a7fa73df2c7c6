/**
 * All tests that need nothing but npm: checks of the sources, then unit, property and integration tests. With `--all` also
 * what needs Debian packages, mounts or minutes. The last line is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

const all = process.argv.includes('--all');
const filters = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const checks = filters.length > 0 ? { passed: 0, failed: [] } : await runChecks();
const counts = await runVitest(['unit', 'integration', ...(all ? ['full'] : [])], filters);
if (checks.failed.length > 0) console.log(`\nchecks that failed: ${checks.failed.join(', ')}`);
const failed = counts.failed + checks.failed.length;
console.log(`\n${counts.passed + checks.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
