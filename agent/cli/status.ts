import { noSuchPoint, type LiveJson, type StatusJson, type StreamJson } from '../api/contract.ts';
import { statusText } from '../api/status-text.ts';
import { SedgeError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import type { AgentClient } from '../host/agent-client.ts';
import { line, type World } from '../ports/world.ts';
import { clientFor } from './agent-access.ts';
import { goodConfiguration } from './load-configuration.ts';
import { flagNumber, flagValue, usage } from './parse-arguments.ts';
import { topScreen } from './top-screen.ts';
import { exit, type Invocation, type Verb } from './verb.ts';

const counts = { kind: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER } as const;

export const statusVerb: Verb = {
  name: 'status',
  summary: 'what stands where and why, in words and figures',
  operands: '',
  flags: [],
  run: (invocation, world) =>
    withAgent(invocation, world, async (client) => {
      const status = (await client.get('/v1/status')) as StatusJson;
      world.stdout.write(
        invocation.flags.has('json') ? `${JSON.stringify(status)}\n` : ensureNewline(statusText(status)),
      );
      return status.ready && status.ledger.balanced ? exit.ok : exit.found;
    }),
};

export const topVerb: Verb = {
  name: 'top',
  summary: 'a live table of sources, streams and uplinks; ends with Ctrl-C',
  operands: '',
  flags: [
    {
      name: 'interval',
      value: 'SECONDS',
      kind: { kind: 'integer', min: 1, max: 3_600 },
      summary: 'between two looks (default 2)',
    },
    { name: 'count', value: 'N', kind: counts, summary: 'end after N looks (default: never)' },
  ],
  run: (invocation, world) => {
    const seconds = flagNumber(invocation, 'interval', 2);
    const count = flagNumber(invocation, 'count', Number.MAX_SAFE_INTEGER);
    return withAgent(invocation, world, async (client) => {
      const ended = world.interrupted.then(() => 'ended' as const);
      for (let i = 0; i < count; i++) {
        const status = (await client.get('/v1/status')) as StatusJson;
        if (invocation.flags.has('json')) line(world.stdout, JSON.stringify(status));
        else
          world.stdout.write(
            `${world.stdout.columns === null ? '' : '\u001B[H\u001B[2J'}${topScreen(status)}`,
          );
        if (i + 1 < count && (await Promise.race([ended, pause(seconds)])) === 'ended') break;
      }
      return exit.ok;
    });
  },
};

export const tapVerb: Verb = {
  name: 'tap',
  summary: 'live readings of a stream at any point of its pipeline; ends with Ctrl-C',
  operands: 'STREAM',
  flags: [
    { name: 'point', value: 'POINT', summary: 'received, a stage such as 0:keep, or stored (default)' },
    { name: 'count', value: 'N', kind: counts, summary: 'end after N readings (default: never)' },
  ],
  run: (invocation, world) => {
    const [stream] = invocation.words;
    if (stream === undefined) throw usage(tapVerb, 'needs the name of a stream');
    const point = flagValue(invocation, 'point') ?? 'stored';
    const count = flagNumber(invocation, 'count', Number.MAX_SAFE_INTEGER);
    return withAgent(invocation, world, async (client, config) => {
      const enough = Promise.withResolvers<void>();
      let left = count;
      const show = (message: unknown): void => {
        const live = message as LiveJson;
        if (live.kind === 'closed' && live.reason === noSuchPoint) throw pointless(stream, point, config);
        if (live.kind === 'closed')
          throw new SedgeError('SEDGE_AGENT_UNREACHABLE', `the tap was closed: ${live.reason}`, {
            hint: 'try again; sedge status shows where the agent stands',
          });
        if (live.kind !== 'readings') return;
        if (live.skipped > 0 && !invocation.flags.has('json'))
          line(world.stderr, `(${live.skipped} readings not shown)`);
        for (const reading of live.readings.slice(0, left)) line(world.stdout, JSON.stringify(reading));
        left -= live.readings.length;
        if (left <= 0) enough.resolve();
      };
      await checkStream(client, stream);
      const path = `/v1/events?streams=${encodeURIComponent(stream)}&point=${encodeURIComponent(point)}`;
      await client.watch(path, show, Promise.race([world.interrupted, enough.promise]));
      return exit.ok;
    });
  },
};

function pointless(stream: string, point: string, config: Config): SedgeError {
  const stages = config.streams[stream]?.stages ?? [];
  const points = ['received', ...stages.map((stage, index) => `${index}:${Object.keys(stage)[0]}`), 'stored'];
  return new SedgeError(
    'SEDGE_API_NO_STREAM',
    `stream ${JSON.stringify(stream)} has no point ${JSON.stringify(point)}`,
    { hint: `it has ${points.join(', ')}` },
  );
}

/** @throws {SedgeError} SEDGE_API_NO_STREAM naming those that exist. */
async function checkStream(client: AgentClient, wanted: string): Promise<void> {
  const { streams } = (await client.get('/v1/streams')) as { streams: readonly StreamJson[] };
  const names = streams.map((stream) => stream.name);
  if (names.includes(wanted)) return;
  throw new SedgeError('SEDGE_API_NO_STREAM', `the agent has no stream ${JSON.stringify(wanted)}`, {
    hint:
      names.length === 0 ? 'it has none: its configuration names no streams' : `it has ${names.join(', ')}`,
  });
}

async function withAgent(
  invocation: Invocation,
  world: World,
  use: (client: AgentClient, config: Config) => Promise<number>,
): Promise<number> {
  const config = await goodConfiguration(invocation, world);
  return config === null ? exit.config : await use(clientFor(config, world), config);
}

function pause(seconds: number): Promise<'passed'> {
  return new Promise((resolve) => setTimeout(() => resolve('passed'), seconds * 1000));
}

function ensureNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
