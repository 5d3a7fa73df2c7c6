import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** A note, or what the name says in brackets: `[skipped: mosquitto is missing]`. */
function reasonOf(name: string, note: string | undefined): string {
  return note ?? /[([](skipped[^)\]]*)[)\]]/.exec(name)?.[1] ?? 'NO REASON GIVEN';
}

/** Counts for the last line of a test run, and the reason of every skip. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    const skipped: string[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'skipped')
          skipped.push(`${test.fullName}: ${reasonOf(test.fullName, result.note)}`);
        else failed++;
      }
    }
    for (const line of skipped) console.log(`skipped: ${line}`);
    const unexplained = skipped.filter((line) => line.endsWith('NO REASON GIVEN')).length;
    if (unexplained > 0) console.log(`${unexplained} skipped without a reason: counted as failed`);
    failed += unexplained;
    const file = process.env['SEDGE_TEST_SUMMARY'];
    if (file !== undefined)
      writeFileSync(file, JSON.stringify({ passed, failed, skipped: skipped.length - unexplained }));
  }
}
