import { describe, expect, test } from 'vitest';
import { loadConfig } from '#agent/config/load-config.ts';
import { planReload, untilRestart } from '#agent/config/plan-reload.ts';
import { reloadActions, withRetries } from '#agent/config/reload-actions.ts';
import { renderProblems } from '#agent/config/render-problems.ts';
import type { Config } from '#agent/config/schema/config.ts';

const base = `
agent: { id: gw-7 }
sources:
  line: { type: mqtt, url: mqtt://b, topics: [a] }
streams:
  v:
    from: [line]
    stages: [{ keep: 'true' }, { throttle: { every: 1s } }, { rename: { a: b } }]
uplinks:
  cloud: { type: http, url: "https://x" }
`;

function config(text: string): Config {
  const loaded = loadConfig({ files: [{ name: 'c', text }], env: {}, checkExpression: () => null });
  if (!loaded.ok) throw new Error(renderProblems(loaded.problems));
  return loaded.config;
}

function plan(from: string, to: string): readonly string[] {
  return planReload(config(base), config(base.replace(from, to))).map(
    (step) => `${step.kind} ${step.path}: ${step.before} -> ${step.after}: ${step.effect}`,
  );
}

describe('a reload', () => {
  test('does nothing when only the form of the file changed', () => {
    expect(plan('topics: [a]', 'qos: 1, keep_alive: 30000ms, topics: ["a"]')).toEqual([]);
  });

  test('restarts a source whose key changed', () => {
    expect(plan('topics: [a]', 'topics: [a, c]')).toEqual([
      'changed sources.line.topics: ["a"] -> ["a","c"]: restart source line (the broker keeps what is sent meanwhile)',
    ]);
  });

  test('keeps the state of stages before the first that changed', () => {
    const steps = planReload(config(base), config(base.replace('every: 1s', 'every: 2s')));
    expect(steps).toEqual([
      {
        path: 'streams.v.stages[1].throttle.every',
        kind: 'changed',
        before: '1s',
        after: '2s',
        effect: 'swap pipeline of stream v (state kept up to stage 0, lost after it, open windows given out)',
        action: { part: 'stream', name: 'v', action: 'update', stagesKept: [0] },
      },
    ]);
  });

  test('keeps all state when only the way in changed', () => {
    const steps = planReload(
      config(base),
      config(base.replace('from: [line]', 'from: [line]\n    match: a')),
    );
    expect(steps[0]?.action).toEqual({ part: 'stream', name: 'v', action: 'update', stagesKept: [0, 1, 2] });
  });

  test('starts and stops what came and went, told once', () => {
    expect(plan('cloud: { type: http, url: "https://x" }', 'file: { type: file, path: /x }')).toEqual([
      expect.stringMatching(/^removed uplinks\.cloud: .* -> null: stop uplink cloud/),
      expect.stringMatching(/^added uplinks\.file: null -> .*: start uplink file$/),
    ]);
  });

  test('replaces a part that became another kind', () => {
    const steps = planReload(
      config(base),
      config(base.replace('type: http, url: "https://x"', 'type: file, path: /x')),
    );
    expect(steps.map(({ path, action }) => [path, action?.action])).toEqual([['uplinks.cloud', 'restart']]);
  });

  test('cannot change who the agent is', () => {
    const actions = reloadActions(planReload(config(base), config(base.replace('gw-7', 'gw-8'))));
    expect(actions).toContainEqual({ part: 'agent', name: 'agent', action: 'needs_restart' });
  });

  test('leaves in force what only a restart can change, and tells it again', () => {
    const after = config(base.replace('gw-7', 'gw-8').replace('topics: [a]', 'topics: [b]'));

    const inForce = untilRestart(config(base), after);

    expect(inForce.agent.id).toBe('gw-7');
    expect(inForce.sources['line']).toMatchObject({ topics: ['b'], client_id: 'sedge-gw-7-line' });
    expect(planReload(inForce, after).map(({ path }) => path)).toEqual(['agent.id']);
  });

  test('leaves sessions at brokers alone while a new id of the agent waits for the restart', () => {
    const mqtt = base.replace('type: http, url: "https://x"', 'type: mqtt, url: mqtt://c, topic: t');
    const after = config(mqtt.replace('gw-7', 'gw-8'));

    expect(planReload(config(mqtt), after).map(({ path }) => path)).toEqual(['agent.id']);
    expect(untilRestart(config(mqtt), after).uplinks['cloud']).toMatchObject({
      client_id: 'sedge-gw-7-cloud-out',
    });
  });

  test('tells a stage whole where another kind took its place', () => {
    expect(plan('{ throttle: { every: 1s } }', "{ keep: 'false' }")).toEqual([
      expect.stringMatching(/^changed streams\.v\.stages\[1\]: \{"throttle":.* -> \{"keep":"false"\}: swap/),
    ]);
  });

  test('starts again what an earlier one could not start, unless it is told otherwise', () => {
    const line = { part: 'source', name: 'line', action: 'start' } as const;
    const cloud = { part: 'uplink', name: 'cloud', action: 'restart' } as const;
    const stopped = { part: 'uplink', name: 'cloud', action: 'stop' } as const;

    expect(withRetries([stopped], [line, cloud])).toEqual([stopped, { ...line, action: 'restart' }]);
  });

  test('asks one action of a part, the strongest', () => {
    const to = base.replace('topics: [a]', 'topics: [a], qos: 2, ack: received');
    expect(reloadActions(planReload(config(base), config(to)))).toEqual([
      { part: 'source', name: 'line', action: 'restart' },
    ]);
  });

  test('leaves what runs alone when only tests changed', () => {
    const to = `${base}tests: [{ name: t, stream: v, input: [{ topic: a, payload: "1" }] }]\n`;
    const steps = planReload(config(base), config(to));
    expect(steps.map(({ path, action }) => [path, action])).toEqual([['tests', null]]);
  });
});
