import { describe, expect, it } from 'vitest';
import { ReplaySource, type ReplaySourceOptions } from '#agent/ingest/replay-source.ts';
import type { LineFiles } from '#agent/ports/lines.ts';
import { flushPromises, intakeRig, storedTexts, type IntakeRig } from '#test/support/mqtt-fakes.ts';

function filesOf(text: string): LineFiles {
  return {
    open: () => {
      const lines = text.split('\n').map((line, i) => ({
        number: i + 1,
        bytes: line === '<too long>' ? null : Buffer.from(line),
      }));
      return Promise.resolve({
        next: (count) => Promise.resolve(lines.splice(0, count)),
        close: () => Promise.resolve(),
      });
    },
  };
}

interface Rig extends IntakeRig {
  readonly source: ReplaySource;
  settle(): Promise<void>;
}

async function rigOf(text: string, options: Partial<ReplaySourceOptions> = {}): Promise<Rig> {
  const base = intakeRig();
  const source = new ReplaySource(
    {
      name: 'r',
      path: 'recording',
      ack: 'fsynced',
      format: { format: 'ndjson', topic: 'a/1', time: 'time', timeUnit: 'auto' },
      speed: 'max',
      loop: false,
      ...options,
    },
    { files: filesOf(text), intake: base.intake, clock: base.clock, telemetry: base.telemetry },
  );
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await flushPromises();
    base.scheduler.run();
    await base.store.answerAll();
  };
  await source.start();
  await settle();
  return { ...base, source, settle };
}

describe('ReplaySource', () => {
  it('sends each line to its topic, the payload out of the line or the line itself', async () => {
    const rig = await rigOf(
      ['{"topic":"b/1","payload":{"t":1}}', '{"topic":"b/2","payload":"text"}', '{"t": 2}', 'no json'].join(
        '\n',
      ),
    );

    expect(storedTexts(rig.store.stored, 'b')).toEqual(['{"t":1}', 'text']);
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['{"t": 2}', 'no json']);
    expect(rig.source.inspect()).toEqual({ state: 'ended', sent: 4, settled: 4, loops: 0 });
  });

  it('makes objects of CSV rows, with numbers, quotes and empty cells', async () => {
    const text = 'topic,time,temp,note\nb/1,1700000000000,-1.5,"a ""b"", c"\nb/1,1700000000000,,x';

    const rig = await rigOf(text, {
      format: { format: 'csv', topic: 'a/1', time: 'time', timeUnit: 'auto' },
    });

    expect(storedTexts(rig.store.stored, 'b').map((one) => JSON.parse(one) as unknown)).toEqual([
      { topic: 'b/1', time: 1700000000000, temp: -1.5, note: 'a "b", c' },
      { topic: 'b/1', time: 1700000000000, note: 'x' },
    ]);
  });

  it('keeps the pace of the recording, times the speed', async () => {
    const at = (s: number): string => `{"time":"2026-01-01T00:00:0${s}Z"}`;
    const rig = await rigOf([at(0), at(2), at(1), at(4)].join('\n'), { speed: 2 });
    const sent: number[] = [rig.source.inspect().sent];

    for (let i = 0; i < 4; i++) {
      rig.clock.advance(500);
      await rig.settle();
      sent.push(rig.source.inspect().sent);
    }

    expect(sent).toEqual([1, 1, 3, 3, 4]);
  });

  it('begins again with times moved on', async () => {
    const rig = await rigOf('{"time":1700000000,"v":1}\n{"time":1700000010,"v":2}', { speed: 1, loop: true });

    for (let i = 0; i < 5; i++) {
      rig.clock.advance(10_000);
      await rig.settle();
    }
    rig.source.stop();

    expect(
      storedTexts(rig.store.stored, 'a').map((one) => (JSON.parse(one) as { time: number }).time),
    ).toEqual([1700000000, 1700000010, 1700000020, 1700000030, 1700000040, 1700000050]);
  });

  it('waits for credit', async () => {
    const long = 'x'.repeat(1024 * 1024);
    const rig = await rigOf(Array.from({ length: 9 }, () => long).join('\n'));
    const first = rig.source.inspect().sent;

    for (let i = 0; i < 12; i++) await rig.settle();

    expect(first).toBeLessThan(9);
    expect(rig.source.inspect()).toMatchObject({ state: 'ended', sent: 9, settled: 9 });
  });

  it('skips a line that is too long and says so', async () => {
    const rig = await rigOf('<too long>\nx');

    expect(rig.telemetry.counters.get('ingest_replay_skipped')).toBe(1);
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x']);
  });

  it('does not spin on a recording without a message', async () => {
    const rig = await rigOf('<too long>', { loop: true });

    expect(rig.source.inspect()).toMatchObject({ state: 'ended', loops: 0 });
  });
});
