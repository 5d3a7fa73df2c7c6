import { existsSync } from 'node:fs';
import type { ClockSight, ClockWatch } from '../ports/clock.ts';
import { readClockDiscipline } from './ffi.ts';

/** systemd-timesyncd leaves this mark where the kernel may not be asked. */
const synchronizedMark = '/run/systemd/timesync/synchronized';

/** The clocks of this machine. What any daemon (timesyncd, chronyd, ntpd, ptp) does to the wall clock, the kernel knows. */
export class HostClockWatch implements ClockWatch {
  /** The kernel's monotonic clock, unlike `performance.now` not counted from the start of a process. */
  monotonicMicros(): number {
    return Number(process.hrtime.bigint() / 1_000n);
  }

  look(): ClockSight {
    const discipline = readClockDiscipline();
    const marked = existsSync(synchronizedMark) ? true : null;
    return {
      wallMicros: Date.now() * 1_000,
      monotonicMicros: this.monotonicMicros(),
      synchronized: discipline === null ? marked : discipline.synchronized,
    };
  }
}
