import { describe, expect, test } from 'vitest';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { VibrationConfig } from '#agent/pipeline/stages/vibration.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf, run } from '../pipeline-fixture.ts';
import { goldenSignals } from './golden-signals.ts';

interface Case {
  sample_rate: number;
  block: number;
  input: number[];
  bands: [number, number][];
  powers: number[];
  mean: number;
  rms: number;
  peak: number;
  crest: number;
  kurtosis: number;
  peak_hz: number;
}
const waveform = (samples: readonly number[], at = 0): Plain => ({
  at,
  values: { x: JSON.stringify(samples) },
});
/** What a crash after these commits leaves, the first of them a full state. */
const committed = (stage: StageConfig, commits: readonly (readonly Plain[])[]): SavedState[] => {
  const pipeline = pipelineOf(stage);
  return commits.flatMap((readings) => {
    pipeline.process(batchOf(readings), now);
    return pipeline.changes(1 << 20) ?? [];
  });
};
const sines = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i));

describe('vibration', () => {
  test('gives the figures of scipy, from waveforms and from single samples alike', () => {
    for (const { sample_rate, block, input, bands, powers, ...figures } of goldenSignals<Case>('vibration')) {
      const stage = { vibration: { field: 'x', sample_rate, block: block as 256, bands } };
      const singles = input.map((x, i): Plain => ({ at: i / sample_rate, values: { x } }));

      for (const readings of [[waveform(input)], singles]) {
        const { out } = run([stage], readings);

        expect(out).toHaveLength(1);
        const { values, at } = out[0]!;
        expect(at).toBeCloseTo((block - 1) / sample_rate, 5);
        for (const [name, value] of Object.entries(figures))
          expect(values[`x.${name}`], name).toBeCloseTo(value, 9);
        for (const [i, [low, high]] of bands.entries())
          expect(values[`x.band.${low}-${high}`]).toBeCloseTo(powers[i]!, 9);
      }
    }
  });

  test('goes on after a crash with every sample that was committed, each stored once', () => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 64 as const, overlap: 0.5 } };
    const samples = Array.from({ length: 40 }, (_, i) => sines(300).slice(i * 7, i * 7 + 7));
    const commits = samples.map((seven, i) => [waveform(seven, (i * 7) / 100)]);
    const whole = run([stage], commits.flat()).out;

    const saved = committed(stage, commits.slice(0, 30));
    const restarted = pipelineOf(stage);
    expect(restarted.resume(saved).empty).toEqual([]);
    const [output] = restarted.process(batchOf(commits.slice(30).flat()), now).outputs;

    expect(plainOf(output!.batch)).toEqual(whole.filter(({ at }) => at >= 2.1));
    expect(saved.map(({ kind }) => kind)).toEqual(['full', ...Array.from({ length: 29 }, () => 'delta')]);
    // Seven samples, and at most 50 bytes of frame: never the block.
    for (const { bytes } of saved.slice(1)) expect(bytes.length).toBeLessThanOrEqual(7 * 8 + 50);
  });

  test('not durable, it stores nothing, and begins anew after a crash', () => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 16 as const, durable: false } };

    expect(committed(stage, [[waveform(sines(10))]])).toEqual([]);
  });

  test('a change that does not continue the block leaves it empty', () => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 16 as const } };
    const [full, , later] = committed(
      stage,
      [0, 0.05, 0.1].map((at) => [waveform(sines(5), at)]),
    );

    expect(pipelineOf(stage).resume([full!, later!]).empty).toEqual(['0:vibration']);
  });

  test('uses samples up, sends figures to another stream, and lets other readings pass', () => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 16, into: 'bearing' } };
    const output = pipelineOf(stage).process(
      batchOf([waveform(sines(40)), { at: 1, values: { temp: 3 } }, { at: 2, values: { x: '[1,' } }]),
      now,
    );

    expect(output.outputs.map(({ stream, batch }) => [stream, plainOf(batch).map(({ at }) => at)])).toEqual([
      ['line', [1]],
      ['bearing', [0.15, 0.31]],
    ]);
    expect(output.filtered).toEqual([
      { rule: '0:vibration', count: 1 },
      { rule: '0:vibration!unreadable', count: 1 },
    ]);
  });

  test('repeats a share of each block in the next', () => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 16, overlap: 0.5 } };

    expect(run([stage], [waveform(sines(32))]).out.map(({ at }) => at)).toEqual([0.15, 0.23, 0.31]);
  });

  test.each<[string, Plain]>([
    ['a gap', { at: 0.5, values: { x: 0 } }],
    ['a bad sample', { at: 0.08, values: { x: 1e9 }, quality: 2 }],
  ])('begins a new block after %s', (_name, between) => {
    const stage = { vibration: { field: 'x', sample_rate: 100, block: 16, max_gap: 20 } };
    const { out } = run(
      [stage],
      [waveform(sines(8)), between, waveform(sines(8), 0.09), waveform(sines(8), 0.17)],
    );

    expect(out.map(({ at }) => at)).toEqual([0.24]);
  });

  test('is flat where the signal is', () => {
    const { out } = run(
      [{ vibration: { field: 'x', sample_rate: 100, block: 16 } }],
      [waveform(Array(16).fill(5))],
    );

    expect(out[0]!.values).toMatchObject({ 'x.mean': 5, 'x.rms': 0, 'x.crest': 0, 'x.kurtosis': 0 });
  });

  test.each<[Partial<VibrationConfig>, string]>([
    [{ block: 100 }, 'power of two'],
    [{ overlap: 1 }, 'share from 0 to 0.9'],
    [{ bands: [[10, 60]] }, '0 <= low < high <= 50'],
    [{ sample_rate: 0 }, 'number > 0'],
  ])('refuses %j: %s', (options, message) => {
    expect(() => pipelineOf({ vibration: { field: 'x', sample_rate: 100, ...options } })).toThrow(message);
  });
});
