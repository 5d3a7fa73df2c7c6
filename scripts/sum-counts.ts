/** `node scripts/sum-counts.ts FILE…`: adds the counts of several test runs and prints the line CI reads. */
import { readFileSync } from 'node:fs';

const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8')) as typeof total;
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  } catch (error) {
    console.log(`no counts in ${file}: ${error instanceof Error ? error.message : String(error)}`);
    total.failed++;
  }
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
