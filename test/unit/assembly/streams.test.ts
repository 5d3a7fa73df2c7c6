import { expect, test } from 'vitest';
import { buildStreams, resumeStreams } from '#agent/assembly/streams.ts';
import { micros } from '#agent/base/units.ts';
import { loadConfig } from '#agent/config/load-config.ts';
import { emptyState } from '#agent/pipeline/earlier.ts';
import type { SavedState } from '#agent/reading/journal-entry.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const damaged: SavedState = { kind: 'full', bytes: new Uint8Array(16) };

/** A start with no stream configured but `line`. */
function start(saved: Readonly<Record<string, readonly SavedState[]>>) {
  const text =
    'sources: { web: { type: http, listen: "127.0.0.1:0" } }\nstreams: { line: { from: [web] } }\n';
  const loaded = loadConfig({ files: [{ name: 'sedge.yaml', text }], env: {}, checkExpression: () => null });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const telemetry = new SilentTelemetry();
  const ports = { telemetry, send: () => {}, now: () => micros(0) };
  const streams = buildStreams(loaded.config, ports);
  const partings = resumeStreams(streams, ports, new Map(Object.entries(saved)));
  return { partings, events: telemetry.events.map(({ event }) => event), streams };
}

test('state that can not be read, of a stream that is gone, is told of once: the next start finds none', () => {
  const first = start({ gone: [damaged] });

  expect(first.events).toEqual(['pipeline.states_not_given_out']);
  expect(first.partings).toEqual([
    { stream: 'gone', processed: { outputs: [], filtered: [] }, state: emptyState() },
  ]);
  expect(start({ gone: [damaged, first.partings[0]!.state!] })).toMatchObject({ partings: [], events: [] });
});

test('a stream that is gone and had no state left is neither told of nor stored again', () => {
  expect(start({ gone: [emptyState()] })).toMatchObject({ partings: [], events: [] });
});

test('state that can not be read, of a stream that has no stages any more, is told of once too', () => {
  const first = start({ line: [damaged] });
  const next = first.streams.plans[0]!.preprocess.changes?.(1 << 20) ?? null;

  expect(first.events).toEqual(['pipeline.states_not_given_out']);
  expect(next?.kind).toBe('full');
  expect(start({ line: [next!] }).events).toEqual([]);
});
