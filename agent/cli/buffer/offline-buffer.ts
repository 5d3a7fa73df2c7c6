import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PageJson } from '../../api/contract.ts';
import { SedgeError } from '../../base/errors.ts';
import type { FsckReport } from '../../buffer/fsck.ts';
import type { Ledger } from '../../buffer/ledger.ts';
import type { Config } from '../../config/schema/config.ts';
import type { AnswerJson } from '../../query/answer.ts';
import type { WindowLevel, WindowsJson } from '../../query/windows-json.ts';
import type { Query } from '../../query/query.ts';
import { formatTime } from '../../reading/event-time.ts';
import type { PurgeRequest } from '../../buffer/purge.ts';
import { byFidelity, type RungFigures } from '../../operate/rung-words.ts';
import { line, type TextSink } from '../../ports/world.ts';
import type { BufferAccess } from './buffer-access.ts';

/** A data folder opened without its agent: nobody else may use it meanwhile. */
export interface OfflineBuffer extends BufferAccess {
  query(query: Query): Promise<AnswerJson>;
  fsck(options: { repair: boolean }): Promise<FsckReport>;
  purge(request: PurgeRequest): Promise<number>;
  ledger(): Promise<Ledger>;
}

/** What opening a folder needs of the rooms above; `verbs.ts` hands it in. */
export interface BufferOpener {
  /** `warn` is told what goes wrong in the folder while it is looked at: damage that is set aside. */
  open(config: Config, warn: (words: string) => void): Promise<OfflineStore>;
}

/** The store as the verbs use it. */
export interface OfflineStore {
  stats(): Promise<{
    readonly streams: readonly {
      readonly stream: string;
      readonly priority: number;
      readonly readings: number;
      readonly head: number;
      readonly bytes: number;
      readonly journalReadings: number;
      readonly rungs: readonly RungFigures[];
      readonly oldestMicros: number | null;
    }[];
  }>;
  page(stream: string, from: number): Promise<PageJson>;
  windows(stream: string, every: WindowLevel, after: WindowsJson['next']): Promise<WindowsJson>;
  query(query: Query): Promise<AnswerJson>;
  fsck(options: { repair: boolean }): Promise<FsckReport>;
  purge(request: PurgeRequest): Promise<number>;
  ledger(): Promise<Ledger>;
  stop(): Promise<void>;
}

/** @throws {SedgeError} SEDGE_DATA_INVALID when the folder holds no buffer, SEDGE_DATA_LOCKED when an agent uses it. */
export async function openOffline(
  opener: BufferOpener,
  config: Config,
  stderr: TextSink,
): Promise<OfflineBuffer> {
  const folder = config.agent.data;
  if (!existsSync(join(folder, 'buffer.db'))) {
    throw new SedgeError('SEDGE_DATA_INVALID', `there is no buffer in ${folder}`, {
      hint: 'name the folder with --data, or the configuration with --config',
    });
  }
  const store = await opener.open(config, (words) => line(stderr, `sedge: ${words}`));
  return {
    where: `${folder} (no agent running)`,
    streams: async () =>
      (await store.stats()).streams.map(
        ({ stream, priority, readings, head, bytes, oldestMicros, rungs, journalReadings }) => ({
          name: stream,
          priority,
          buffered: readings,
          head,
          bytes,
          rungs: byFidelity(rungs, journalReadings),
          passed_over: [],
          oldest: oldestMicros === null ? null : formatTime(oldestMicros),
        }),
      ),
    page: (stream, from) => store.page(stream, from),
    query: (query) => store.query(query),
    windows: (stream, every, after) => store.windows(stream, every, after),
    fsck: (how) => store.fsck(how),
    purge: (request) => store.purge(request),
    ledger: () => store.ledger(),
    close: () => store.stop(),
  };
}
