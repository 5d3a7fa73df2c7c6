import { expect, test } from 'vitest';
import type { OutgoingBatch, Sink } from '#agent/uplink/sink.ts';

/** What a suite needs of the other side of a sink. */
export interface Rig {
  readonly sink: Sink;
  /** Every line that arrived for good, in order. */
  readonly lines: () => Promise<string[]>;
  /** The other side goes away, and comes back at the same place. */
  readonly cut: () => Promise<void>;
  readonly heal: () => Promise<void>;
}

export function batchOf(stream: string, first: number, count: number): OutgoingBatch {
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ agent: 'gw-7', stream, offset: first + i, values: { n: first + i, text: 'é\n"' } }),
  );
  const body = new TextEncoder().encode(`${lines.join('\n')}\n`);
  return {
    agent: 'gw-7',
    epoch: '5eed5eed5eed5eed',
    stream,
    first,
    last: first + count - 1,
    fidelity: 'raw',
    count,
    body,
  };
}

/** The law every sink keeps. `rig` starts the other side; the suite starts and stops the sink. */
export function sinkCompliance(name: string, rig: () => Promise<Rig>): void {
  test(`${name}: what it calls taken has arrived, unchanged and in order`, async () => {
    const { sink, lines } = await rig();
    await sink.start();
    const batch = batchOf('hall/temperature', 0, 200);

    const outcome = await sink.send(batch);

    expect(outcome).toMatchObject({ kind: 'taken' });
    expect(outcome.bytes).toBeGreaterThan(0);
    expect(await lines()).toEqual(new TextDecoder().decode(batch.body).trim().split('\n'));
    await sink.stop();
  });

  test(`${name}: several batches under way at once all arrive`, async () => {
    const { sink, lines } = await rig();
    await sink.start();

    const sent = Array.from({ length: 8 }, (_, i) => sink.send(batchOf('s', i * 10, 10)));
    const outcomes = await Promise.all(sent);

    expect(outcomes.map((outcome) => outcome.kind)).toEqual(Array.from({ length: 8 }, () => 'taken'));
    const offsets = (await lines()).map((line) => (JSON.parse(line) as { offset: number }).offset);
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i));
    await sink.stop();
  });

  test(`${name}: while the other side is away it answers later, says why, and goes on afterwards`, async () => {
    const { sink, lines, cut, heal } = await rig();
    await sink.start();
    await sink.send(batchOf('s', 0, 5));

    await cut();
    const away = await sink.send(batchOf('s', 5, 5));
    await heal();
    let back = await sink.send(batchOf('s', 5, 5));
    if (back.kind === 'later') back = await sink.send(batchOf('s', 5, 5));

    expect(away.kind).toBe('later');
    expect(away.kind === 'later' && away.words).toMatch(/\S/);
    expect(back.kind).toBe('taken');
    expect(await lines()).toHaveLength(10);
    await sink.stop();
  });

  test(`${name}: start and stop may be called twice, and a stopped sink answers later`, async () => {
    const { sink } = await rig();
    await sink.start();
    await sink.start();
    await sink.send(batchOf('s', 0, 1));
    await sink.stop();
    await sink.stop();

    const outcome = await sink.send(batchOf('s', 1, 1));

    expect(outcome.kind).toBe('later');
  });
}
