/** Everything a program can say of the sources: format, lint, types, walls, dead code. `node scripts/check.ts`; ends 1 when any of them objects. */
import { runStep } from './steps.ts';

const sources = ['agent', 'test', 'scripts'];
const checks: readonly {
  readonly name: string;
  readonly command: string;
  readonly parameters: readonly string[];
}[] = [
  { name: 'format', command: 'oxfmt', parameters: ['--check', ...sources] },
  { name: 'lint', command: 'oxlint', parameters: ['--type-aware', '--deny-warnings', ...sources] },
  { name: 'types', command: 'tsc', parameters: ['--noEmit'] },
  { name: 'tidy', command: 'node', parameters: ['scripts/tidy.ts'] },
  { name: 'knip', command: 'knip', parameters: ['--no-progress'] },
];

/** Names of the checks that objected. */
export async function runChecks(): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const failed: string[] = [];
  for (const check of checks) {
    console.log(`\n== ${check.name}`);
    if ((await runStep(check.command, check.parameters)) !== 0) failed.push(check.name);
  }
  return { passed: checks.length - failed.length, failed };
}

if (import.meta.main) {
  const { failed } = await runChecks();
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
