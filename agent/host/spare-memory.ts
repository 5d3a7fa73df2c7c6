import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trimAllocator } from './ffi.ts';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** A heap grows by so much before it is collected: a gateway's memory is worth more than a few percent of throughput. */
const heapGrowthPercent = 10;

let collect: Collect | null = null;

/**
 * From now on every thread's heap is collected early. A flag of the runtime, set while running: given at the start it would make
 * the runtime refuse compiled code, that of its own modules too: 30 ms a thread. For when everything was loaded; what this thread
 * compiled is kept for the next start first, where a service has a folder for it.
 */
export function growHeapSlowly(): void {
  flushCompileCache();
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`);
}

/**
 * Gives unused heap of this thread back to the system. Takes some tens of milliseconds of one core: for moments when nothing else is
 * to be done.
 */
export function spareMemory(): void {
  collect ??= collector();
  // The last resort gives back the pages that were kept in stock, too.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  trimAllocator();
}

/** The runtime shows its collector to contexts made while the flag stands. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as Collect;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
