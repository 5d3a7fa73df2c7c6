import { describe, expect, test } from 'vitest';
import { checkInputs } from '#agent/host/read-configuration.ts';

function warned(priority: number, stages: string): readonly string[] {
  const text = `sources: { line: { type: mqtt, url: mqtt://b, topics: [a] } }
streams: { alarms: { from: [line], match: a, priority: ${priority}, stages: ${stages} } }
buffer: { when_full: block }
`;
  const loaded = checkInputs({
    request: { environment: {}, workingFolder: '/' },
    files: [{ name: 'sedge.yaml', text }],
    agentId: 'gw',
  });
  expect(loaded.ok).toBe(true);
  return loaded.warnings.map(({ path, message }) => `${path} ${message.split(':', 1)[0]}`);
}

describe('a configuration that is read', () => {
  test.each([
    [7, '[{ keep: "true" }, { window: { every: 10s, emit: [mean] } }]', 1],
    [9, '[{ sketch: { fields: [a], every: 1m, kinds: [moments] } }]', 1],
    [6, '[{ window: { every: 10s, emit: [mean] } }]', 0],
    [9, '[{ keep: "true" }, { deadband: { field: a, absolute: 1 } }]', 0],
    [9, '[]', 0],
  ])('with priority %i and stages %s has %i warning about a priority in vain', (priority, stages, count) => {
    expect(warned(priority, stages)).toEqual(
      Array.from({ length: count }, () => 'streams.alarms.priority does not make it urgent'),
    );
  });
});
