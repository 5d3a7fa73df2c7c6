import { expect, onTestFinished, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { MiB } from '#agent/base/units.ts';
import type { EntryToStore } from '#agent/buffer/append.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { summaryFrame } from '#agent/reading/summary.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const day = 86_400_000_000;
const begin = 1_700_000_000_000_000;
/** A gateway that takes a snapshot of a machine every five minutes: three figures, and a waveform that no codec makes smaller. */
const perDay = 288;
const waveformBytes = 4_096;

class Year {
  readonly rig = new StoreRig();
  readonly #random = new Prng(365);
  readonly #noise = new Uint8Array(1 << 20);
  readings = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;

  constructor() {
    for (let i = 0; i < this.#noise.length; i++) this.#noise[i] = this.#random.below(256);
    this.rig.store.open({
      ...smallSettings,
      whenFull: 'coarsen',
      uplinks: [{ name: 'cloud', streams: ['*'] }],
    });
  }

  /** Two hours, committed, with the upkeep that the disk thread does behind it; pressure is obeyed. */
  twoHours(): void {
    const builder = new BatchBuilder({ stream: 'press', clock: 'device', capacity: perDay / 12 });
    for (let i = 0; i < perDay / 12; i++) {
      const at = this.readings++;
      const temp =
        Math.round(200 + 80 * Math.sin((at / perDay) * 2 * Math.PI) + 10 * this.#random.float()) / 10;
      this.sum += Math.round(temp * 10);
      this.min = Math.min(this.min, temp);
      this.max = Math.max(this.max, temp);
      builder.begin({ tags, timeMicros: begin + at * (day / perDay) });
      builder.set('temp', temp);
      builder.set('strokes', at);
      builder.set('running', this.#random.chance(0.9));
      const from = this.#random.below(this.#noise.length - waveformBytes);
      builder.set('waveform', this.#noise.subarray(from, from + waveformBytes));
    }
    const batch = builder.finish();
    const rows = [{ bytes: encodeJournalRow(batch), count: batch.length }];
    const entry: EntryToStore = { stream: 'press', received: batch.length, filtered: [], marks: [], rows };
    this.rig.tick(7_200_000);
    for (let tries = 0; tries < 100; tries++) {
      const { outcomes } = this.rig.store.commit([{ kind: 'append', entries: [entry] }], this.rig.now);
      for (let slices = 0; slices < 1_000 && this.rig.store.maintain(this.rig.now); slices++);
      if (outcomes[0]?.ok === true) return;
    }
    throw new Error('the ladder makes no room');
  }
}

test(
  'a year without uplink, in a buffer that holds a day, loses precision and nothing else',
  { timeout: 600_000 },
  () => {
    const year = new Year();
    const { rig } = year;
    onTestFinished(() => rig.dispose());

    let most = 0;
    for (let turn = 0; turn < 365 * 12; turn++) {
      year.twoHours();
      if (turn % 12 === 0) most = Math.max(most, rig.store.stats().occupiedBytes);
    }

    const [stream] = rig.store.stats().streams;
    const [account] = rig.store.ledger().streams;
    expect(most).toBeLessThanOrEqual(2 * MiB);
    expect(rig.store.ledger().balanced).toBe(true);
    expect(account).toMatchObject({ received: year.readings, dropped: [], delivered: 0 });
    expect(account!.buffered + account!.coarsened).toBe(year.readings);
    // Every reading of the year is in a row, and the rows' figures are those of the year.
    const found = { count: 0, sum: 0, min: Infinity, max: -Infinity, first: Infinity, last: -Infinity };
    for (let at = 0; at < year.readings;) {
      const run = rig.store.read({ stream: 'press', from: at, readings: 65_536, bytes: 8 * MiB })!;
      expect(run.first).toBe(at);
      at = run.until;
      const raw = run.fidelity === 'raw';
      const of = (name: string): Float64Array =>
        run.batch.columns.find((one) => one.name === name)!.values as Float64Array;
      const counts = raw ? new Float64Array(run.batch.length).fill(1) : summaryFrame(run.batch).count;
      for (let row = 0; row < run.batch.length; row++) {
        found.count += counts[row]!;
        found.sum += 10 * of(raw ? 'temp' : 'temp_sum')[row]!;
        found.min = Math.min(found.min, of(raw ? 'temp' : 'temp_min')[row]!);
        found.max = Math.max(found.max, of(raw ? 'temp' : 'temp_max')[row]!);
        found.first = Math.min(found.first, run.batch.timeMicros[row]!);
        found.last = Math.max(
          found.last,
          raw ? run.batch.timeMicros[row]! : summaryFrame(run.batch).end[row]!,
        );
      }
    }
    expect(found.count).toBe(year.readings);
    expect(Math.round(found.sum)).toBe(year.sum);
    expect(found).toMatchObject({ min: year.min, max: year.max, first: begin });
    expect(found.last).toBe(begin + (year.readings - 1) * (day / perDay));
    const bytes = year.readings * waveformBytes;
    const coarse = stream!.rungs.map(
      ({ level, readings, summaries, bytes: stored }) =>
        `level ${level}: ${(readings / perDay).toFixed(1)} days in ${summaries} summaries, ${stored} bytes`,
    );
    console.log(
      `${(bytes / most).toFixed(0)} times the cap, 365 days covered, sum exact\n${coarse.join('\n')}`,
    );
    expect(bytes / most).toBeGreaterThan(200);
  },
);

const tags = { machine: 'p1' };
