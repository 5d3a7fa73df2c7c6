import { describe, expect, it } from 'vitest';
import type { Processed, StreamPlan } from '#agent/ingest/arrival.ts';
import { StageOutputs } from '#agent/ingest/stage-outputs.ts';
import { micros } from '#agent/base/units.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { selectRows } from '#agent/reading/batch.ts';
import { plan } from '#test/support/mqtt-fakes.ts';
import { batchOf, seconds } from '#test/unit/pipeline/pipeline-fixture.ts';

/** A stream whose stages drop the first reading and send a copy of all that comes to the streams named. */
function passing(name: string, ...into: string[]): StreamPlan {
  const process = (batch: Batch): Processed => ({
    outputs: [
      { stream: name, batch: { ...selectRows(batch, Uint32Array.of(1)), stream: name } },
      ...into.map((stream) => ({ stream, batch: { ...batch, stream } })),
    ],
    filtered: [{ rule: '0:x', count: 1 }],
  });
  return { ...plan(name), preprocess: { process: (batch) => process(batch) } };
}

function outputsOf(plans: readonly StreamPlan[], urgent: readonly string[] = []): StageOutputs {
  return new StageOutputs({
    planOf: (stream) => plans.find(({ name }) => name === stream),
    isApart: (stream) => urgent.includes(stream),
    nowMicros: micros(1),
  });
}

const batch = batchOf(seconds('v', [1, 2]), 'a');
const account = { received: 2, filtered: [] };
const shown = (entries: StageOutputs['entries']): unknown[] =>
  entries.map((entry) => [entry.stream, entry.received, entry.batch?.length ?? 0, entry.filtered.length]);

describe('what stages send to another stream', () => {
  it('goes through the stages of that stream, and of the next, each with its own account', () => {
    const plans = [passing('a', 'b'), passing('b', 'c', 'free'), passing('c')];
    const outputs = outputsOf(plans);

    outputs.push(plans[0]!, plans[0]!.preprocess.process(batch, micros(1)), account);

    expect(shown(outputs.entries)).toEqual([
      ['a', 2, 1, 1],
      ['b', 2, 1, 1],
      ['c', 2, 1, 1],
      ['free', 2, 2, 0],
    ]);
    expect([...outputs.takeProcessed()].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect([...outputs.takeProcessed()]).toEqual([]);
  });

  it('stands apart where it is urgent, and what came by itself does not', () => {
    const plans = [passing('a', 'alarms', 'b'), passing('b', 'other')];
    const outputs = outputsOf(plans, ['a', 'b', 'alarms']);

    outputs.push(plans[0]!, plans[0]!.preprocess.process(batch, micros(1)), account);

    expect(outputs.entries.map(({ stream }) => stream)).toEqual(['a', 'other']);
    expect(outputs.apart.map(({ stream }) => stream)).toEqual(['alarms', 'b']);
  });

  it('is a bug where streams feed each other in a circle, which the configuration refuses', () => {
    const plans = [passing('a', 'b'), passing('b', 'a')];
    const outputs = outputsOf(plans);

    expect(() => outputs.push(plans[0]!, plans[0]!.preprocess.process(batch, micros(1)), account)).toThrow(
      'streams that feed each other end',
    );
  });
});
