import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitAllocator } from '#agent/host/ffi.ts';

const isGlibc =
  process.platform === 'linux' &&
  (process.report.getReport() as { header: Record<string, unknown> }).header['glibcVersionRuntime'] !==
    undefined;

/** Runs a script in a process of its own, which may lose its pages, and answers what it prints. */
function printed(script: string): number[] {
  const modules = JSON.stringify(join(import.meta.dirname, '../../../agent/host'));
  const text = `
    import { readFileSync } from 'node:fs';
    const { spareProgram } = await import(${modules} + '/spare-memory.ts');
    const filePages = () => Number(/^RssFile:\\s+(\\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
    ${script}`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', text];
  return execFileSync(process.execPath, flags, { encoding: 'utf8' }).trim().split(' ').map(Number);
}

test.skipIf(process.platform !== 'linux')(
  'the program lets go of its pages, and runs on (skipped beside Linux: others have no /proc)',
  () => {
    const [before, after, sum] = printed(`
      const before = filePages();
      spareProgram();
      const after = filePages();
      // Code that was let go, of the parser and of the compiler, is touched again.
      let sum = 0;
      for (let i = 0; i < 100; i++) sum += new Function('a', 'return JSON.parse(a).b + ' + i)('{"b":1}');
      console.log(before, after, sum);`);
    expect(after).toBeLessThan(before! - 20);
    expect(sum).toBe(5_050);
  },
);

test.skipIf(!isGlibc)('the allocator takes its limits (skipped where it is not glibc’s)', () => {
  expect(limitAllocator({ arenasMax: 1, mapBytesMin: 512 * 1024, trimBytesMin: 512 * 1024 })).toBe(true);
});
