import { type Micros, type Millis, micros, millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';

/** Longest delay one Node timer takes (2^31 - 1 ms, 24.8 days); beyond it Node would fire at once, so longer delays go in legs. */
const timerDelayMsMax = 2 ** 31 - 1;

/** Both clocks of this machine. The wall clock follows steps of the host's clock; its grain is a millisecond. */
export class HostClock implements Clock {
  monotonic(): Millis {
    return millis(performance.now());
  }

  wall(): Micros {
    return micros(Date.now() * 1_000);
  }

  after(delay: Millis, wake: () => void): Alarm {
    let timer: NodeJS.Timeout | undefined;
    const due = performance.now() + delay;
    const arm = (): void => {
      const remaining = due - performance.now();
      // Rounded up, so that the alarm never rings early.
      timer = setTimeout(
        () => {
          if (performance.now() < due) arm();
          else wake();
        },
        Math.min(Math.max(Math.ceil(remaining), 0), timerDelayMsMax),
      );
      timer.unref();
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  }
}
