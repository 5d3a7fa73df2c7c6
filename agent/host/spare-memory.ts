import { trimAllocator } from './ffi.ts';

/**
 * Gives unused heap back to the system, where the runtime lets a program ask (the single executable does: --expose-gc). Takes some
 * tens of milliseconds of one core: for moments when nothing else is to be done.
 */
export function spareMemory(): void {
  const { gc } = globalThis as { gc?: (options: { type: 'major'; execution: 'sync' }) => void };
  gc?.({ type: 'major', execution: 'sync' });
  trimAllocator();
}
