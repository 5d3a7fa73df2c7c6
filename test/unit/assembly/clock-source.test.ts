import { expect, test } from 'vitest';
import { clockSourceOf } from '#agent/assembly/clock-keeper.ts';
import { buildStreams } from '#agent/assembly/streams.ts';
import { micros } from '#agent/base/units.ts';
import { loadConfig } from '#agent/config/load-config.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const text = `
sources: { web: { type: http, listen: "127.0.0.1:0" } }
streams:
  stamped: { from: [web], decode: { format: json, time: ts, time_unit: ms },
    stages: [ { window: { every: 10s, into: summed } }, { window: { every: 10s, into: mixed } } ] }
  arriving: { from: [web], stages: [ { window: { every: 10s, into: mixed } }, { alert: { when: 'reading.x > 1.0' } } ] }
  summed: { stages: [ { window: { every: 1m, into: summed_again } } ] }
  pushed: { decode: { format: json, time: ts, time_unit: ms } }
`;

function clocks(): (stream: string) => string | null {
  const loaded = loadConfig({ files: [{ name: 'sedge.yaml', text }], env: {}, checkExpression: () => null });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const ports = { telemetry: new SilentTelemetry(), send: () => {}, now: () => micros(0) };
  const { clockOf } = buildStreams(loaded.config, ports);
  return (stream) => clockSourceOf(stream, loaded.config, clockOf);
}

test('what stages make of readings stands on the clock of the readings', () => {
  const clock = clocks();

  expect(['stamped', 'summed', 'summed_again', 'pushed'].map(clock)).toEqual(Array(4).fill('device'));
  expect(['arriving', 'alarms'].map(clock)).toEqual(['agent', 'agent']);
});

test('a stream filled from both clocks stands on the agent’s, and one that nothing fills on none', () => {
  const clock = clocks();

  expect(clock('mixed')).toBe('agent');
  expect(clock('old')).toBeNull();
});
