import { describe, expect, test } from 'vitest';
import { ClockJudge, type ClockPast, type ClockStanding } from '#agent/operate/clock-judge.ts';
import { limits } from '#agent/operate/limits.ts';

const second = 1_000_000;
const year = 365 * 86_400 * second;
/** A true wall time, a day after the floor of most tests. */
const truth = limits.releaseMicros + year;
const floor = truth - 86_400 * second;
const past: ClockPast = { floorMicros: floor, base: null, trustedBase: null };

const sight = (wallMicros: number, seconds: number, synchronized: boolean | null = false) => ({
  wallMicros,
  monotonicMicros: seconds * second,
  synchronized,
});

function begun(first: ReturnType<typeof sight>, known: ClockPast = past, vouched = false) {
  const judge = new ClockJudge({ vouched });
  return { judge, turn: judge.begin(first, known) };
}

const given = (standing: ClockStanding, seconds: number): number =>
  standing.kind === 'unset' ? standing.baseMicros + seconds * second : Number.NaN;

describe('at the start', () => {
  test.each([
    ['synchronized', sight(truth, 10, true), 'sync'],
    ['synchronized, though below the floor: the floor was ahead', sight(floor - year, 10, true), 'sync'],
    ['the host does not tell, and nothing speaks against it', sight(truth, 10, null), 'unknown'],
  ] as const)('the clock is trusted: %s', (_, first, by) => {
    expect(begun(first).turn).toMatchObject({ standing: { kind: 'trusted', by }, stepMicros: 0 });
  });

  test('the operator vouches for a clock that nobody synchronizes, whatever the floor', () => {
    expect(begun(sight(floor - year, 10), past, true).turn.standing).toEqual({
      kind: 'trusted',
      by: 'config',
    });
  });

  test.each([false, null])(
    'a clock in 1970 is stale: time goes on from the floor (synchronized: %s)',
    (told) => {
      const { standing } = begun(sight(30 * second, 10, told)).turn;

      expect(standing).toMatchObject({ kind: 'unset', stale: true });
      expect(given(standing, 10)).toBe(floor);
      expect(given(standing, 70)).toBe(floor + 60 * second);
    },
  );

  test('in a new store the floor is the release of the program', () => {
    const { standing } = begun(sight(0, 10), { floorMicros: 0, base: null, trustedBase: null }).turn;

    expect(given(standing, 10)).toBe(limits.releaseMicros);
  });

  test('a plausible clock that is not synchronized is taken, and kept apart', () => {
    const { standing } = begun(sight(truth, 10)).turn;

    expect(standing).toMatchObject({ kind: 'unset', stale: false });
    expect(given(standing, 10)).toBe(truth);
  });

  test('a process that takes over in the same boot counts on from the same base', () => {
    const base = floor - 10 * second;
    const stale = begun(sight(90 * second, 100), { floorMicros: floor, base, trustedBase: null }).turn;
    const plausible = begun(sight(truth + 1_500, 100), {
      floorMicros: floor,
      base: truth - 100 * second,
      trustedBase: null,
    }).turn;

    expect(stale.standing).toMatchObject({ baseMicros: base });
    expect(stale.trueBaseMicros).toBeNull();
    expect(plausible.standing).toMatchObject({ baseMicros: truth - 100 * second });
    expect(plausible.trueBaseMicros).toBeNull();
  });

  test('a clock that was trusted in this boot still is, though synchronization is lost and the agent was restarted; not when it was set since', () => {
    const known = { floorMicros: floor, base: null, trustedBase: truth };

    expect(begun(sight(truth + 100 * second, 100), known).turn.standing).toEqual({
      kind: 'trusted',
      by: 'step',
    });
    expect(begun(sight(truth + 102 * second, 100), known).turn.standing.kind).toBe('unset');
  });

  test('a clock that was set while the agent was away corrects what was counted before', () => {
    const base = floor - 10 * second;
    const unsynchronized = begun(sight(truth, 100), { floorMicros: floor, base, trustedBase: null }).turn;
    const synchronized = begun(sight(truth, 100, true), { floorMicros: floor, base, trustedBase: null }).turn;

    expect(unsynchronized.trueBaseMicros).toBe(truth - 100 * second);
    expect(unsynchronized.standing).toMatchObject({ kind: 'unset', baseMicros: truth - 100 * second });
    expect(synchronized.trueBaseMicros).toBe(truth - 100 * second);
  });
});

describe('while nobody has set the clock', () => {
  test('nothing changes as long as the clocks go together, slewed or not', () => {
    const { judge } = begun(sight(30 * second, 10));
    for (let i = 1; i < 100; i++) expect(judge.look(sight((30 + i) * second + i * 500, 10 + i))).toBeNull();
  });

  test('synchronization trusts the clock, tells the true base, and moves times given a moment ago', () => {
    const { judge } = begun(sight(30 * second, 10));
    const turn = judge.look(sight(truth, 20, true));

    expect(turn).toMatchObject({
      standing: { kind: 'trusted', by: 'sync' },
      shiftMicros: truth - (floor + 10 * second),
      trueBaseMicros: truth - 20 * second,
    });
  });

  test('synchronization may move times back: the floor was ahead', () => {
    const { judge } = begun(sight(truth, 10), {
      floorMicros: truth + 70 * year,
      base: null,
      trustedBase: null,
    });
    const turn = judge.look(sight(truth + 5 * second, 15, true));

    expect(turn).toMatchObject({ standing: { kind: 'trusted', by: 'sync' }, shiftMicros: -70 * year });
  });

  test('a step of an unsynchronized host to a plausible time is taken, and refined by synchronization', () => {
    const { judge } = begun(sight(30 * second, 10));
    const byHand = judge.look(sight(truth + 40 * second, 20));
    const bySync = judge.look(sight(truth + 10 * second, 30, true));

    expect(byHand).toMatchObject({
      standing: { kind: 'unset', baseMicros: truth + 20 * second, stale: false },
      shiftMicros: truth + 40 * second - (floor + 10 * second),
      trueBaseMicros: truth + 20 * second,
    });
    expect(bySync).toMatchObject({
      standing: { kind: 'trusted', by: 'sync' },
      shiftMicros: -40 * second,
      trueBaseMicros: truth - 20 * second,
    });
  });

  test('where the host does not tell, a step to a plausible time is enough', () => {
    const { judge } = begun(sight(30 * second, 10, null));

    expect(judge.look(sight(truth, 20, null))?.standing).toEqual({ kind: 'trusted', by: 'step' });
  });

  test.each([-10 * year, 5 * second, -5 * second])(
    'a step that stays below the floor changes no time (%s µs)',
    (step) => {
      const { judge, turn } = begun(sight(30 * second, 10));

      expect(judge.look(sight(31 * second + step, 11))).toEqual({
        standing: turn.standing,
        shiftMicros: 0,
        trueBaseMicros: null,
        stepMicros: step,
      });
    },
  );

  test('time given never steps back by itself, and never lies before the floor', () => {
    const { judge } = begun(sight(30 * second, 10));
    let before = floor;
    for (let i = 1; i <= 500; i++) {
      const wander = Math.sin(i) * 20 * second;
      judge.look(sight(30 * second + wander, 10 + i));
      const now = given(judge.standing, 10 + i);
      expect(now).toBeGreaterThan(before);
      before = now;
    }
  });
});

describe('while the clock is trusted', () => {
  test.each([10 * year, -10 * year, second, -second])(
    'a step of %s µs is told, and corrects nothing',
    (step) => {
      const { judge } = begun(sight(truth, 10, true));

      expect(judge.look(sight(truth + second + step, 11, true))).toEqual({
        standing: { kind: 'trusted', by: 'sync' },
        shiftMicros: 0,
        trueBaseMicros: null,
        stepMicros: step,
      });
      expect(judge.look(sight(truth + 2 * second + step, 12, true))).toBeNull();
    },
  );

  test('lost synchronization does not take trust away: the clock was set in this boot', () => {
    const { judge } = begun(sight(truth, 10, true));
    judge.look(sight(truth + second, 11, false));

    expect(judge.standing.kind).toBe('trusted');
  });
});
