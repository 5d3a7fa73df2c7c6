import { describe, expect, it } from 'vitest';
import { runChaos } from '#test/simulation/swim/chaos.ts';
import {
  joinedSite,
  measureDetection,
  measureDissemination,
  measureSteady,
  percentile,
} from '#test/simulation/swim/measure.ts';

const sizes = [5, 20, 50, 200];
const losses = [0, 0.1, 0.2, 0.3];
const tenMinutesMs = 600_000;

describe('ten virtual minutes', () => {
  it('end with no live agent of twenty declared unreachable at 10 % loss, over ten seeds', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const steady = measureSteady(joinedSite({ seed, size: 20, loss: 0.1 }), tenMinutesMs);
      expect(steady.falselyUnreachable, `seed ${seed}`).toBe(0);
    }
  });

  it.each(sizes)('cost each of %i agents what they cost each of five', (size) => {
    const rows = losses.map((loss) => {
      const spanMs = size > 50 ? 60_000 : tenMinutesMs;
      const steady = measureSteady(joinedSite({ seed: size, size, loss }), spanMs);
      return { size, loss, minutes: spanMs / 60_000, ...steady };
    });
    console.table(rows);
    expect(rows[0]!.messagesPerSecond).toBeLessThan(2.5);
    expect(rows[0]!.bytesPerSecond).toBeLessThan(40);
    for (const row of rows) {
      expect(row.messagesPerSecond, `loss ${row.loss}`).toBeLessThan(9);
      expect(row.bytesPerSecond, `loss ${row.loss}`).toBeLessThan(120);
    }
    expect(rows[0]!.falselyUnreachable + rows[1]!.falselyUnreachable).toBe(0);
  });
});

describe('news', () => {
  it('reaches all of fifty within 1.5 s at 30 % loss, p99 of 300', () => {
    const spans = measureDissemination(joinedSite({ seed: 1, size: 50, loss: 0.3 }), 300);
    const [p50, p99] = [percentile(spans, 0.5), percentile(spans, 0.99)];
    console.log(`dissemination, 50 agents, 30 % loss: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
    expect(p99).toBeLessThan(1_500);
  });
});

describe('a death', () => {
  it('is known to all, by size and loss', () => {
    const rows = [5, 10, 20, 30, 50].flatMap((size) =>
      [0, 0.1, 0.3].map((loss) => {
        const silent: number[] = [];
        const refused: number[] = [];
        for (let seed = 1; seed <= 8; seed++) {
          const site = joinedSite({ seed, size, loss });
          refused.push(measureDetection(site, { index: size - 1, refusing: true }).allMs);
          silent.push(measureDetection(site, { index: size - 2, refusing: false }).allMs);
        }
        const sorted = silent.sort((a, b) => a - b);
        refused.sort((a, b) => a - b);
        return {
          size,
          loss,
          processMs: Math.round(percentile(refused, 0.5)),
          processMsMax: Math.round(refused.at(-1)!),
          powerMs: Math.round(percentile(sorted, 0.5)),
          powerMsMax: Math.round(sorted.at(-1)!),
        };
      }),
    );
    console.table(rows);
    for (const row of rows)
      if (row.loss === 0) expect(row.processMsMax, `${row.size} agents`).toBeLessThan(1_500);
  });
});

describe('chaos', () => {
  it('leaves two thousand seeds clean', () => {
    for (let seed = 100_000; seed < 102_000; seed++) runChaos(seed);
  });
});
