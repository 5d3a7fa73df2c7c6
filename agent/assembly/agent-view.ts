import type { AgentView } from '../api/agent-view.ts';
import type {
  BufferJson,
  LedgerJson,
  SourceJson,
  StatusJson,
  StreamJson,
  UplinkJson,
} from '../api/contract.ts';
import { hostJson, partJson } from '../api/pulse.ts';
import type { Ledger } from '../buffer/ledger.ts';
import type { StoreStats } from '../buffer/stats.ts';
import type { StoreClient } from '../buffer/store-client.ts';
import type { UnstartedPart } from '../config/reload-actions.ts';
import type { Config } from '../config/schema/config.ts';
import { bufferWords, outlookWords } from '../operate/buffer-words.ts';
import { byFidelity } from '../operate/rung-words.ts';
import { parseQuery } from '../query/parse.ts';
import { formatTime } from '../reading/event-time.ts';
import type { UplinkStatus } from '../uplink/uplink-status.ts';
import type { BufferOutlook } from './buffer-outlook.ts';
import { streamClock } from './clock-keeper.ts';
import type { Foundation } from './foundation.ts';
import type { RateMeter } from './rate-meter.ts';
import { newWalk, readPage } from './readings-json.ts';
import type { RunningSource } from './sources/running-source.ts';
import { uplinkJson } from './uplink-json.ts';

/** What the view looks at. Functions, where the answer changes. */
export interface Viewed {
  readonly foundation: Foundation;
  readonly store: StoreClient;
  readonly rates: RateMeter;
  readonly outlook: BufferOutlook;
  readonly version: string;
  readonly startedMs: number;
  config(): Config;
  /** The same as text. */
  yaml(): Promise<string>;
  /** What of it the last reload could not start. */
  unstarted(): readonly UnstartedPart[];
  sources(): readonly RunningSource[];
  /** Whose clock a configured stream's times come from; null where no source fills it. */
  clockOf(stream: string): 'device' | 'agent' | null;
  uplinks(): readonly UplinkStatus[];
  unrouted(): StatusJson['unrouted'];
}

/** Read-only answers about one agent, assembled from its rooms on each call. */
export function agentView(viewed: Viewed): AgentView {
  const aNewWalk = (): string => newWalk(viewed.foundation.entropy);
  const view: AgentView = {
    status: async () => {
      const { foundation, version, startedMs } = viewed;
      const [ledger, stats] = await Promise.all([viewed.store.ledger(), viewed.store.stats()]);
      const { agent } = viewed.config();
      const host = foundation.host.latest;
      const status: StatusJson = {
        agent: { id: agent.id, site: agent.site },
        version,
        time: formatTime(foundation.clock.wall(), 0),
        uptime_seconds: (foundation.clock.monotonic() - startedMs) / 1000,
        clock: {
          synchronized: host?.clockSynchronized ?? null,
          offset_seconds: host?.clockOffsetSeconds ?? null,
          trusted: foundation.clock.standing.kind === 'trusted',
        },
        ready: foundation.health.ready,
        parts: foundation.health.parts().map(partJson),
        sources: sourcesJson(viewed),
        streams: streamsJson(viewed, ledger, stats),
        uplinks: uplinksJson(viewed, stats),
        buffer: bufferJson(viewed, stats),
        unrouted: viewed.unrouted(),
        ledger: { balanced: ledger.balanced },
        host: hostJson(host),
      };
      return status;
    },
    streams: async () => {
      const [ledger, stats] = await Promise.all([viewed.store.ledger(), viewed.store.stats()]);
      return streamsJson(viewed, ledger, stats);
    },
    config: async () => ({ yaml: await viewed.yaml(), unstarted: viewed.unstarted() }),
    tail: async (stream, count) => {
      const stats = (await viewed.store.stats()).streams.find((one) => one.stream === stream);
      if (stats === undefined) return isConfigured(viewed, stream) ? { stream, readings: [] } : null;
      const page = await readPage(
        viewed.store,
        { stream, from: Math.max(stats.tail, stats.head - count), count, walk: aNewWalk() },
        viewed.config().agent.id,
      );
      return { stream, readings: page.readings };
    },
    readings: async (stream, { from, count, walk }) => {
      const known = (await viewed.store.stats()).streams.some((one) => one.stream === stream);
      const asked = { stream, from, count, walk: walk ?? aNewWalk() };
      if (!known && isConfigured(viewed, stream))
        return { stream, readings: [], next: null, walk: asked.walk };
      if (!known) return null;
      return await readPage(viewed.store, asked, viewed.config().agent.id);
    },
    query: async (text) => await viewed.store.query(parseQuery(text, viewed.foundation.clock.wall())),
    windows: (stream, every, after) => viewed.store.windows({ stream, every, after }),
    buffer: async () => bufferJson(viewed, await viewed.store.stats()),
    ledger: async () => ledgerJson(await viewed.store.ledger()),
    uplinks: async () => uplinksJson(viewed, await viewed.store.stats()),
  };
  return view;
}

function sourcesJson(viewed: Viewed): SourceJson[] {
  const { foundation, rates } = viewed;
  return viewed.sources().map((source) => {
    const report = source.state();
    const counted = (name: string): number => foundation.metrics.valueOf(name, { source: source.name }) ?? 0;
    return {
      name: source.name,
      type: source.type,
      state: report.state,
      words: report.words,
      messages: counted('ingest_messages'),
      in_flight: report.unsettled,
      duplicates: counted('ingest_duplicates'),
      undecodable: counted('ingest_undecodable'),
      rate_per_second: rates.perSecond(`source:${source.name}`),
    };
  });
}

function streamsJson(viewed: Viewed, ledger: Ledger, stats: StoreStats): StreamJson[] {
  const { rates, foundation } = viewed;
  const stored = ledger.streams.map((account) => {
    const kept = stats.streams.find(({ stream }) => stream === account.stream);
    return {
      name: account.stream,
      priority: kept?.priority ?? 0,
      received: account.received,
      delivered: account.delivered,
      buffered: account.buffered,
      filtered: sum(account.filtered),
      filtered_by: account.filtered,
      dropped_by: account.dropped,
      coarsened: account.coarsened,
      rungs: kept === undefined ? [] : byFidelity(kept.rungs, kept.journalReadings),
      passed_over: (kept?.passedOver ?? []).map((one) => {
        const { level: _, ...passed } = one;
        return passed;
      }),
      dropped: sum(account.dropped),
      head: account.stored,
      bytes: kept?.bytes ?? 0,
      rate_per_second: rates.perSecond(`stream:${account.stream}`),
      oldest: kept?.oldestMicros == null ? null : formatTime(kept.oldestMicros, 0),
      clock: streamClock(viewed.clockOf(account.stream), foundation.clock.standing, kept?.clock),
    };
  });
  const names = new Set(stored.map(({ name }) => name));
  const waiting = Object.entries(viewed.config().streams).filter(([name]) => !names.has(name));
  return [...stored, ...waiting.map(([name, { priority }]) => emptyStream(viewed, name, priority))];
}

/** One that is configured and was not given a reading yet. */
function emptyStream(viewed: Viewed, name: string, priority: number): StreamJson {
  return {
    name,
    priority,
    received: 0,
    delivered: 0,
    buffered: 0,
    filtered: 0,
    filtered_by: [],
    dropped_by: [],
    coarsened: 0,
    rungs: [],
    passed_over: [],
    dropped: 0,
    head: 0,
    bytes: 0,
    rate_per_second: null,
    oldest: null,
    clock: streamClock(viewed.clockOf(name), viewed.foundation.clock.standing, undefined),
  };
}

const isConfigured = (viewed: Viewed, stream: string): boolean =>
  Object.hasOwn(viewed.config().streams, stream);

function uplinksJson(viewed: Viewed, stats: StoreStats): UplinkJson[] {
  const config = viewed.config();
  const outlook = outlookWords({ full: stats.full, fullInSeconds: fullInSeconds(viewed, stats) });
  return viewed.uplinks().map((status) =>
    uplinkJson(status, {
      type: config.uplinks[status.name]?.type ?? status.kind,
      budgetBytes: config.uplinks[status.name]?.budget.per_day ?? null,
      ratePerSecond: viewed.rates.perSecond(`uplink:${status.name}`),
      outlook,
    }),
  );
}

function bufferJson(viewed: Viewed, stats: StoreStats): BufferJson {
  const { when_full: whenFull } = viewed.config().buffer;
  const used = usedBytes(stats);
  const { full, deviceFull } = stats;
  const seconds = fullInSeconds(viewed, stats);
  let readings = 0;
  for (const stream of stats.streams) readings += stream.readings;
  return {
    epoch: stats.epoch,
    bytes: used,
    size_bytes: stats.sizeBytes,
    percent: full === null ? (100 * used) / Math.max(1, used + stats.freeBytes) : 100,
    readings,
    when_full: whenFull,
    full_in_seconds: seconds,
    disk_free_bytes: viewed.foundation.host.latest?.diskFreeBytes ?? null,
    commit_p50_seconds: null,
    commit_p99_seconds: null,
    words: bufferWords({
      bytes: used,
      sizeBytes: used + stats.freeBytes,
      fullInSeconds: seconds,
      full,
      deviceFull,
    }),
  };
}

/** 0 when it is full; null when it does not grow or how fast is not known yet. */
function fullInSeconds({ outlook }: Viewed, { full, freeBytes }: StoreStats): number | null {
  return full === null ? outlook.secondsFor(freeBytes) : 0;
}

/** What stored readings occupy. What is left for more is `freeBytes`. */
function usedBytes(stats: StoreStats): number {
  let bytes = 0;
  for (const stream of stats.streams) bytes += stream.bytes;
  return bytes;
}

function ledgerJson(ledger: Ledger): LedgerJson {
  return {
    balanced: ledger.balanced,
    streams: ledger.streams.map(
      ({ stream, balanced, received, delivered, buffered, coarsened, summaries, filtered, dropped }) => ({
        stream,
        balanced,
        received,
        delivered,
        buffered,
        coarsened: { readings: coarsened, summaries },
        filtered,
        dropped,
      }),
    ),
  };
}

function sum(counts: readonly { readonly count: number }[]): number {
  let total = 0;
  for (const { count } of counts) total += count;
  return total;
}
