import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { KnownOffsets, type Undo } from '#agent/receiver/known-offsets.ts';

const fidelities = ['raw', 'segment', 'window', 'sketch'] as const;
const offsets = 60;

/** The dumb twin: a flag for each offset and fidelity. */
class Twin {
  readonly covered = new Map<string, Set<number>>(fidelities.map((name) => [name, new Set()]));
  readonly first = new Map<string, Set<number>>(fidelities.map((name) => [name, new Set()]));

  isKnown({ offset, until, fidelity }: Line): boolean {
    if (this.first.get(fidelity)!.has(offset)) return true;
    const finer = fidelities.slice(0, fidelities.indexOf(fidelity));
    for (let at = offset; at < until; at++) {
      if (!finer.some((name) => this.covered.get(name)!.has(at))) return false;
    }
    return finer.length > 0;
  }

  add({ offset, until, fidelity }: Line): void {
    this.first.get(fidelity)!.add(offset);
    for (let at = offset; at < until; at++) this.covered.get(fidelity)!.add(at);
  }

  all(): Set<number> {
    return new Set([...this.covered.values()].flatMap((set) => [...set]));
  }
}

interface Line {
  readonly offset: number;
  readonly until: number;
  readonly fidelity: (typeof fidelities)[number];
}

function randomLine(random: Prng): Line {
  const offset = random.below(offsets);
  const fidelity = random.pick(fidelities);
  return { offset, until: fidelity === 'raw' ? offset + 1 : offset + 1 + random.below(12), fidelity };
}

test('a line is new when its offset is not known at its fidelity and finer lines do not cover its span', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    let known = new KnownOffsets();
    const twin = new Twin();
    for (let step = 0; step < 60; step++) {
      const line = randomLine(random);
      const isNew = known.add(line) !== null;
      expect(isNew, `seed ${seed}, step ${step}: ${JSON.stringify(line)}`).toBe(!twin.isKnown(line));
      if (isNew) twin.add(line);
      if (random.chance(0.1)) known = new KnownOffsets(JSON.parse(JSON.stringify(known.runs())));
      const all = twin.all();
      expect(known.max).toBe(Math.max(-1, ...all));
      expect(known.missing()).toBe(known.max + 1 - all.size);
    }
  }
});

test('lines taken back in reverse leave no trace', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    const known = new KnownOffsets();
    for (let i = random.below(20); i > 0; i--) known.add(randomLine(random));
    // Summaries make the raw set a set of its own, for good.
    known.add({ offset: offsets + 20, until: offsets + 21, fidelity: 'sketch' });
    const before = JSON.stringify(cleaned(known));
    const undos: Undo[] = [];
    for (let i = random.below(20); i > 0; i--) {
      const undo = known.add(randomLine(random));
      if (undo !== null) undos.push(undo);
    }
    for (const undo of undos.toReversed()) undo();
    expect(JSON.stringify(cleaned(known))).toBe(before);
  }
});

/** An empty rung is no rung. */
function cleaned(known: KnownOffsets) {
  const { runs, raw, summaries = [] } = known.runs();
  return { runs, raw, summaries: summaries.filter(({ first }) => first.length > 0) };
}
