import { expect, test } from 'vitest';
import { AgentClock } from '#agent/operate/agent-clock.ts';
import type { ClockTurn } from '#agent/operate/clock-judge.ts';
import type { ClockWatch } from '#agent/ports/clock.ts';
import { EventNames } from '#test/property/buffer/model/store-rig.ts';
import { FakeClock } from '#test/support/fake-clock.ts';

const second = 1_000_000;
const truth = Date.UTC(2026, 10, 21, 8) * 1_000;

class FakeWatch implements ClockWatch {
  readonly clock: FakeClock;
  synchronized: boolean | null = false;
  constructor(clock: FakeClock) {
    this.clock = clock;
  }
  monotonicMicros(): number {
    return Math.round(this.clock.monotonic() * 1_000);
  }
  look() {
    const { synchronized } = this;
    return { wallMicros: this.clock.wall(), monotonicMicros: this.monotonicMicros(), synchronized };
  }
}

function started(wallMicros: number, floorMicros: number) {
  const host = new FakeClock(wallMicros);
  const watch = new FakeWatch(host);
  const clock = new AgentClock({ host, watch, vouched: false });
  const turns: ClockTurn[] = [];
  const telemetry = new EventNames();
  clock.start({
    past: { floorMicros, base: null, trustedBase: null },
    telemetry,
    turned: (turn) => turns.push(turn),
  });
  return { host, watch, clock, turns, telemetry };
}

test('a stale clock goes on from the floor, in step with monotonic time, until it is synchronized', async () => {
  const { host, watch, clock, turns, telemetry } = started(0, truth);
  const first = clock.wall();
  await host.advance(5_000);
  const later = clock.wall();
  host.stepWall(truth + 3_600 * second);
  watch.synchronized = true;
  await host.advance(1_000);

  expect([first, later]).toEqual([truth, truth + 5 * second]);
  expect(clock.baseMicros).toBeNull();
  expect(clock.wall()).toBe(truth + 3_606 * second);
  expect(turns.at(-1)).toMatchObject({ shiftMicros: 3_600 * second, trueBaseMicros: truth + 3_600 * second });
  expect(telemetry.events).toEqual(['operate_clock_unset', 'operate_clock_stepped', 'operate_clock_set']);
  expect(telemetry.counts).toEqual(
    new Map([
      ['clock_steps', 1],
      ['clock_sets', 1],
    ]),
  );
});

test('a trusted clock is the host’s, steps and all', async () => {
  const { host, watch, clock, telemetry } = started(truth, 0);
  watch.synchronized = true;
  await host.advance(1_000);
  host.stepWall(-10 * second);
  await host.advance(1_000);

  expect(clock.wall()).toBe(host.wall());
  expect(telemetry.events.at(-1)).toBe('operate_clock_stepped');
});

test('it looks no more once it is stopped, and starting twice starts one look', () => {
  const { host, clock, telemetry } = started(truth, 0);
  clock.start({
    past: { floorMicros: 0, base: null, trustedBase: null },
    telemetry,
    turned: () => undefined,
  });
  const alarms = host.alarms;
  clock.stop();
  clock.stop();

  expect(alarms).toBe(1);
  expect(host.alarms).toBe(0);
});
