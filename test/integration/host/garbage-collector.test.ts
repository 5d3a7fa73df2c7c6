import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const threads = 4;
const rounds = 20;

/** Threads that fail where all look for their collector at once. */
const text = `
  import { Worker } from 'node:worker_threads';
  const thread = \`
    const { workerData } = require('node:worker_threads');
    import(workerData.module).then(({ collector }) => {
      Atomics.add(workerData.gate, 0, 1);
      while (Atomics.load(workerData.gate, 0) < ${threads});
      collector()({ type: 'minor', execution: 'sync' });
    });\`;
  let failed = 0;
  for (let round = 0; round < ${rounds}; round++) {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const workerData = { gate, module: process.env.MODULE };
    const ended = Array.from({ length: ${threads} }, () => new Promise((resolve) => {
      new Worker(thread, { eval: true, execArgv: [], workerData }).on('error', () => failed++).on('exit', resolve);
    }));
    await Promise.all(ended);
  }
  console.log(failed);`;

// The flag that shows it is one for all threads: with one look each, some 4 of 80 found it taken down and ended, the disk thread among them.
test('threads that look for their collector at once all find it', () => {
  const module = join(import.meta.dirname, '../../../agent/host/garbage-collector.ts');
  const failed = execFileSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    env: { ...process.env, MODULE: module },
  });

  expect(failed.trim()).toBe('0');
});
