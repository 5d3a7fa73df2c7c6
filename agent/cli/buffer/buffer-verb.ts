import type { StatusJson } from '../../api/contract.ts';
import { SedgeError } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import { formatBytes, formatCount } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import { clientFor } from '../agent-access.ts';
import { goodConfiguration } from '../load-configuration.ts';
import { flagNumber, flagValue, usage } from '../parse-arguments.ts';
import { renderTable } from '../table.ts';
import { exit, type Invocation, type Verb } from '../verb.ts';
import { urgentPriorityMin } from '../../buffer/limits.ts';
import { passedWords, rungWords } from '../../operate/rung-words.ts';
import { type BufferAccess, type BufferStream, liveBuffer, streamOf } from './buffer-access.ts';
import { explainInUse } from './in-use.ts';
import { exportReadings } from './export-readings.ts';
import { fsckLines } from './fsck-lines.ts';
import { type BufferOpener, openOffline, type OfflineBuffer } from './offline-buffer.ts';
import { replayDeadLetters } from './replay-dead-letters.ts';

const offsets = { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const subverbs = ['ls', 'stat', 'tail', 'export', 'replay', 'fsck', 'purge'] as const;

const subverbSummaries: Readonly<Record<(typeof subverbs)[number], string>> = {
  ls: 'every stream: how much is kept, where, since when',
  stat: 'one stream of that list',
  tail: 'the newest readings of a stream',
  export: 'what is kept of a stream, to standard output or a file',
  replay: 'send what could not be decoded to the running agent again, after its decoder was mended',
  fsck: 'check every block and account; the agent must be stopped',
  purge: 'take readings of a stream away for good; the agent must be stopped',
};

/** Those that are about all streams. */
const ofAllStreams: readonly string[] = ['ls', 'replay', 'fsck'];

/** `sedge buffer …`: look into and repair the buffer, beside a running agent where that is possible. */
export function bufferVerb(opener: BufferOpener): Verb {
  const verb: Verb = {
    name: 'buffer',
    summary: 'look into and repair the buffer',
    operands: `${subverbs.join('|')} [STREAM]`,
    subverbs,
    subverbSummaries,
    flags: [
      {
        name: 'count',
        value: 'N',
        kind: { kind: 'integer', min: 1, max: 1_000 },
        summary: 'tail: readings shown (default 20)',
      },
      { name: 'from', value: 'OFFSET', kind: offsets, summary: 'export: first offset' },
      { name: 'until', value: 'OFFSET', kind: offsets, summary: 'export, purge: offsets below it only' },
      {
        name: 'format',
        value: 'FORMAT',
        kind: { kind: 'choice', of: ['ndjson', 'csv', 'parquet', 'otlp'] },
        summary: 'export: ndjson (default), csv, parquet; otlp: histograms by the hour',
      },
      { name: 'output', value: 'FILE', summary: 'export: a file instead of standard output' },
      { name: 'repair', summary: 'fsck: put damaged blocks aside and account for them' },
      { name: 'uplink', value: 'NAME', summary: 'purge: for this uplink only' },
      { name: 'dry-run', summary: 'replay: say what would happen' },
      { name: 'yes', summary: 'purge: do not ask' },
    ],
    run: async (invocation, world) => {
      const [what, stream] = invocation.words;
      if (stream !== undefined && ofAllStreams.includes(what!))
        throw usage(verb, `${what} is about all streams, got ${JSON.stringify(stream)}`);
      const config = await goodConfiguration(invocation, world);
      if (config === null) return exit.config;
      return await actions[what as (typeof subverbs)[number]]({
        invocation,
        world,
        config,
        opener,
        stream: stream ?? null,
        verb,
      });
    },
  };
  return verb;
}

interface Call {
  readonly invocation: Invocation;
  readonly world: World;
  readonly config: Config;
  readonly opener: BufferOpener;
  readonly stream: string | null;
  readonly verb: Verb;
}

const actions: Readonly<Record<(typeof subverbs)[number], (call: Call) => Promise<number>>> = {
  ls: (call) => withBuffer(call, async (access) => list(call, access, await access.streams())),
  stat: (call) => withBuffer(call, async (access) => stat(call, access, await streamOf(access, named(call)))),
  tail: (call) => withBuffer(call, (access) => tail(call, access)),
  export: (call) =>
    withBuffer(call, (access) =>
      exportReadings(access, {
        agent: call.config.agent.id,
        world: call.world,
        stream: named(call),
        from: flagNumber(call.invocation, 'from', 0),
        until: flagNumber(call.invocation, 'until', Number.MAX_SAFE_INTEGER),
        format: flagValue(call.invocation, 'format') ?? 'ndjson',
        output: flagValue(call.invocation, 'output') ?? null,
      }),
    ),
  replay: (call) =>
    withBuffer(call, (access) =>
      replayDeadLetters(access, {
        client: clientFor(call.config, call.world),
        world: call.world,
        dryRun: call.invocation.flags.has('dry-run'),
        json: call.invocation.flags.has('json'),
      }),
    ),
  fsck: (call) => withOffline(call, (buffer) => check(call, buffer)),
  purge: (call) => withOffline(call, (buffer) => purge(call, buffer)),
};

function named(call: Call): string {
  if (call.stream === null) throw usage(call.verb, `${call.invocation.words[0]} needs the name of a stream`);
  return call.stream;
}

/** Through the running agent where one answers, else from the folder itself. */
async function withBuffer(call: Call, use: (access: BufferAccess) => Promise<number>): Promise<number> {
  const client = clientFor(call.config, call.world);
  const status = await client.get('/v1/status').catch((error: unknown) => {
    if (error instanceof SedgeError && error.code === 'SEDGE_AGENT_UNREACHABLE') return null;
    throw error;
  });
  if (status !== null) return await use(liveBuffer(client, status as StatusJson));
  return await withOffline(call, use);
}

async function withOffline(call: Call, use: (buffer: OfflineBuffer) => Promise<number>): Promise<number> {
  const { opener, config, world, invocation } = call;
  const buffer = await openOffline(opener, config, world.stderr).catch(async (error: unknown) => {
    const client = clientFor(config, world);
    throw await explainInUse(error, { verb: invocation.words[0]!, folder: config.agent.data, client });
  });
  try {
    return await use(buffer);
  } finally {
    await buffer.close();
  }
}

function list({ invocation, world }: Call, access: BufferAccess, streams: readonly BufferStream[]): number {
  if (invocation.flags.has('json')) {
    line(world.stdout, JSON.stringify({ where: access.where, streams }));
    return exit.ok;
  }
  line(world.stdout, access.where);
  world.stdout.write(
    renderTable<BufferStream>(
      [
        { header: 'stream', cell: (stream) => stream.name },
        { header: 'priority', align: 'right', cell: (stream) => String(stream.priority) },
        { header: 'buffered', align: 'right', cell: (stream) => formatCount(stream.buffered) },
        { header: 'next offset', align: 'right', cell: (stream) => formatCount(stream.head) },
        { header: 'stored', align: 'right', cell: (stream) => formatBytes(stream.bytes) },
        { header: 'oldest', cell: (stream) => stream.oldest ?? '-' },
        ...(streams.some(isCoarse) ? [fidelityColumn] : []),
      ],
      streams,
    ),
  );
  return exit.ok;
}

/** One stream, with what the ladder did not make of it. */
function stat(call: Call, access: BufferAccess, stream: BufferStream): number {
  const code = list(call, access, [stream]);
  if (call.invocation.flags.has('json')) return code;
  const passed = passedWords(stream.passed_over);
  if (passed !== '') line(call.world.stdout, `${stream.name}: ${passed}`);
  if (stream.priority >= urgentPriorityMin && call.config.buffer.when_full === 'coarsen')
    line(
      call.world.stdout,
      `${stream.name}: of priority ${stream.priority}, made coarser only when all below ${urgentPriorityMin} can be no coarser`,
    );
  return code;
}

const fidelityColumn = {
  header: 'fidelity',
  cell: ({ rungs }: BufferStream) => rungWords(rungs) || 'raw',
};

function isCoarse({ rungs }: BufferStream): boolean {
  return rungs.some(({ summaries }) => summaries > 0);
}

async function tail(call: Call, access: BufferAccess): Promise<number> {
  const count = flagNumber(call.invocation, 'count', 20);
  const stream = await streamOf(access, named(call));
  const page = await access.page(stream.name, Math.max(0, stream.head - count));
  for (const reading of page.readings) line(call.world.stdout, JSON.stringify(reading));
  return exit.ok;
}

async function check({ invocation, world }: Call, buffer: OfflineBuffer): Promise<number> {
  const report = await buffer.fsck({ repair: invocation.flags.has('repair') });
  if (invocation.flags.has('json')) line(world.stdout, JSON.stringify(report));
  else {
    for (const words of fsckLines(report)) line(world.stdout, words);
  }
  return report.findings.length === 0 ? exit.ok : exit.found;
}

async function purge(call: Call, buffer: OfflineBuffer): Promise<number> {
  const stream = await streamOf(buffer, named(call));
  const uplink = flagValue(call.invocation, 'uplink');
  if (!call.invocation.flags.has('yes')) {
    line(
      call.world.stderr,
      `sedge: this takes up to ${formatCount(stream.buffered)} readings of ${stream.name} away for good; add --yes to do it`,
    );
    return exit.usage;
  }
  if (uplink !== undefined && !Object.hasOwn(call.config.uplinks, uplink))
    line(
      call.world.stderr,
      `sedge: no uplink ${JSON.stringify(uplink)} is configured${knownUplinks(call.config)}`,
    );
  const until = flagValue(call.invocation, 'until');
  const gone = await buffer.purge({
    stream: stream.name,
    ...(uplink === undefined ? {} : { uplink }),
    ...(until === undefined
      ? {}
      : {
          until: flagNumber(call.invocation, 'until', 0),
        }),
  });
  if (call.invocation.flags.has('json')) {
    line(call.world.stdout, JSON.stringify({ stream: stream.name, purged: gone }));
    return exit.ok;
  }
  line(
    call.world.stdout,
    `${formatCount(gone)} readings of ${stream.name} purged; the ledger accounts for them as dropped by rule purged`,
  );
  return exit.ok;
}

function knownUplinks({ uplinks }: Config): string {
  const names = Object.keys(uplinks);
  return names.length === 0 ? '' : `; there are ${names.join(', ')}`;
}
