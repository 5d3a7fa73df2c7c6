import { fork } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchRow } from '../test/bench/bench.ts';
import type { BenchMessage } from '../test/support/bench-child.ts';
import { root } from './steps.ts';

/** A file of benches has so long until its first bench begins. */
const loadSecondsMax = 30;

export interface BenchFileRun {
  /** Its path. */
  readonly file: string;
  /** Benches whose name, or whose file's name, holds it. */
  readonly filter: string;
  /** Temporary files go there. */
  readonly folder: string;
  /** No bench begins after it, on the clock of `performance`. */
  readonly endMillis: number;
  begun(bench: string): void;
  row(row: BenchRow): void;
}

/** A bench that ended before its end, and why. */
export interface BenchCrash {
  readonly bench: string;
  readonly why: string;
}

/**
 * Runs the benches of one file in a process of their own, each within its time. One that crashes or takes too long is ended, with every
 * process it started; the next begins in a new process.
 */
export async function runBenchFile(run: BenchFileRun): Promise<BenchCrash[]> {
  const crashes: BenchCrash[] = [];
  let from = 0;
  for (;;) {
    const ended = await runFrom(run, from);
    if (ended === null) return crashes;
    const { index, bench, why, crashed } = ended;
    run.row({ name: bench, skipped: why });
    if (crashed) crashes.push({ bench, why });
    if (index === null) return crashes;
    from = index + 1;
  }
}

interface EndedEarly {
  readonly bench: string;
  /** In its file; null: before the first began. */
  readonly index: number | null;
  readonly why: string;
  readonly crashed: boolean;
}

async function runFrom(run: BenchFileRun, from: number): Promise<EndedEarly | null> {
  const url = pathToFileURL(run.file).href;
  const child = fork(join(root, 'test/support/bench-child.ts'), [url, run.filter, String(from)], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
    // What a bench prints goes beside the table.
    stdio: ['ignore', 2, 2, 'ipc'],
    // A group of its own, so that its brokers and agents can be ended with it.
    detached: true,
    env: { ...process.env, TMPDIR: run.folder },
  });
  const endGroup = (): void => endProcessGroup(child.pid);
  process.prependOnceListener('exit', endGroup);
  let now: { bench: string; index: number | null } = { bench: basename(run.file), index: null };
  let late: string | null = null;
  const end = (why: string): void => {
    late ??= why;
    endGroup();
  };
  let timer = setTimeout(() => end(`did not load within ${loadSecondsMax} s`), loadSecondsMax * 1000);
  child.on('message', (message: BenchMessage) => {
    // What it did between the word to end and its end does not count.
    if (late !== null) return;
    if (message.kind === 'row') {
      run.row(message.row);
      return;
    }
    const { bench, index, secondsMax } = message;
    now = { bench, index };
    clearTimeout(timer);
    if (performance.now() > run.endMillis) return end('the time for the whole table was over');
    run.begun(bench);
    timer = setTimeout(() => end(`not done within its ${secondsMax} s`), secondsMax * 1000);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  // Also after a crash, which leaves what it had started.
  endGroup();
  process.off('exit', endGroup);
  if (late !== null) return { ...now, why: late, crashed: false };
  return code === 0 ? null : { ...now, why: `ended with ${signal ?? `exit code ${code}`}`, crashed: true };
}

function endProcessGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
