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
  const partings = resumeStreams(buildStreams(loaded.config, ports), ports, new Map(Object.entries(saved)));
  return { partings, events: telemetry.events.map(({ event }) => event) };
}

test('state that can not be read, of a stream that is gone, is told of once: the next start finds none', () => {
  const first = start({ gone: [damaged] });

  expect(first.events).toEqual(['pipeline.states_not_given_out']);
  expect(first.partings).toEqual([
    { stream: 'gone', processed: { outputs: [], filtered: [] }, state: emptyState() },
  ]);
  expect(start({ gone: [damaged, first.partings[0]!.state!] })).toEqual({ partings: [], events: [] });
});

test('a stream that is gone and had no state left is neither told of nor stored again', () => {
  expect(start({ gone: [emptyState()] })).toEqual({ partings: [], events: [] });
});
