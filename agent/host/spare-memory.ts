import { readFileSync, readlinkSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { KiB } from '../base/units.ts';
import { forgetPages, limitAllocator, trimAllocator } from './ffi.ts';
import { collector } from './garbage-collector.ts';
import { unchangedMappings } from './mappings.ts';

/** A heap grows by so much before it is collected: a gateway's memory is worth more than a few percent of throughput. */
const heapGrowthPercent = 10;

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
 * Batches come and go between the threads in pieces of up to some hundred KiB: one arena has what one thread frees used by
 * the others, and what is larger goes back to the system at once. Less by a tenth under a flood on a full buffer, at no measurable
 * CPU time; below 512 KiB mappings begin to cost.
 */
const allocatorLimits = { arenasMax: 1, mapBytesMin: 512 * KiB, trimBytesMin: 512 * KiB };

/** To be called before threads are started: what a thread has taken it keeps. */
export function shareAllocator(): void {
  limitAllocator(allocatorLimits);
}

/**
 * Gives unused heap of this thread back to the system, and the pages of the program that only the work needed. Takes some tens of
 * milliseconds of one core: for moments when nothing else is to be done.
 */
export function spareMemory(): void {
  // The last resort gives back the pages that were kept in stock, too.
  collector()?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  trimAllocator();
  spareProgram();
}

/** Lets go of the executable's pages: the runtime touches 50 MiB of them to start, and a third of that again. A few milliseconds. */
export function spareProgram(): void {
  try {
    const program = readlinkSync('/proc/self/exe');
    forgetPages(unchangedMappings(readFileSync('/proc/self/smaps', 'utf8'), program));
  } catch {
    // Without /proc they stay.
  }
}
