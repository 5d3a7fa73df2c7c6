import { readFileSync } from 'node:fs';
import { KiB } from '../../base/units.ts';

/** Highest resident memory of a running process so far, in bytes; null where the kernel does not tell. */
export function peakMemoryBytes(pid: number | undefined): number | null {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * KiB;
  } catch {
    return null;
  }
}
