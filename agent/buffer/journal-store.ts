import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import { DiskError } from '../ports/database.ts';
import type { AppendOutcome, ReadRequest, StoredRun, StreamBacklog } from '../ports/store.ts';
import { bytesOf, storeEntries } from './append.ts';
import { backlogOf } from './backlog.ts';
import { climb, ladderDue, ladderPressing } from './coarsen.ts';
import { compactStep } from './compact.ts';
import { alignUplinks } from './configure.ts';
import { lookAtDevice, pagesToGiveBack } from './device.ts';
import { CommitInDoubt, type Doubt, type Verdict } from './doubt.ts';
import type { ClockTerms } from './disk-protocol.ts';
import { astrayMessage } from './events.ts';
import { clockTerms, moveFloor, setClock, type ClockSet } from './eras.ts';
import { fsck, lastSetAside, type FsckReport } from './fsck.ts';
import { ledgerOf, type Ledger } from './ledger.ts';
import {
  compactPauseMillis,
  compactRetryMillis,
  pageBytes,
  spaceCheckBytes,
  walFrameBytes,
} from './limits.ts';
import { loadMarks } from './marks.ts';
import { pagesTouched, type WriteRequest } from './pages-touched.ts';
import { PlaceWatch } from './place-watch.ts';
import { loadStates, type StreamStates } from './pipeline-state.ts';
import { purge, type PurgeRequest } from './purge.ts';
import { readRun } from './read.ts';
import { trimDeadLetters } from './retention.ts';
import { tooManyPieces } from './rollup/pieces.ts';
import { alignRollups, keepKnown, rollUp, rollUpDue } from './rollup/upkeep.ts';
import { windowsOf, type WindowsRequest } from './rollup/windows.ts';
import type { WindowsJson } from '../query/windows-json.ts';
import { Queries } from './rollup/queries.ts';
import { dueForSealing, isBehind, journalPressing } from './seal.ts';
import { Sealer } from './sealer.ts';
import { tooSmallFor, type StoreSettings } from './settings.ts';
import { checkSettlement, settle } from './settle.ts';
import { statsOf, type BlockRow, type StoreStats, blocksOf } from './stats.ts';
import { StoreCore, type Moment, type StoreOptions } from './store-core.ts';

export type WriteOutcome =
  | AppendOutcome
  /** The request can not be meant; it was not carried out, the others of its group were. */
  | { readonly ok: false; readonly trouble: 'misuse'; readonly message: string };

export interface CommitResult {
  /** One for each request, in order. */
  readonly outcomes: readonly WriteOutcome[];
  /** Streams that have new readings. */
  readonly grown: readonly string[];
  /** Set when nobody can say yet whether the group was stored; `outcomes` then say that the device failed. */
  readonly doubtful: DoubtfulCommit | null;
}

/** What holds in place of {@link CommitResult} once the verdict is that the commit stands. */
export interface DoubtfulCommit {
  readonly doubt: Doubt;
  readonly outcomes: readonly WriteOutcome[];
  readonly grown: readonly string[];
}

/**
 * The store itself: synchronous, on one thread, all time given as arguments. The disk thread runs it behind a queue; tests
 * run it in process. Everything that is answered `ok` is on the device.
 */
export class JournalStore {
  readonly #core: StoreCore;
  #opened = false;
  readonly #place: PlaceWatch;
  readonly #sealer: Sealer;
  /** Under way; the disk thread gives them a slice in every turn. */
  readonly queries: Queries;
  /** Monotonic milliseconds before which no small blocks are joined, and no summaries merged. */
  #compactMillis = -Infinity;
  #rollUpMillis = -Infinity;

  constructor(options: StoreOptions) {
    this.#core = new StoreCore(options);
    this.#place = new PlaceWatch(this.#core);
    this.#sealer = new Sealer(this.#core);
    this.queries = new Queries(this.#core);
  }

  /** Opens the database, or says why it can not be: newer, corrupt, locked, too old a library. Safe to call twice. */
  open(settings: StoreSettings): void {
    this.configure(settings);
    this.#core.quarantineTold ??= lastSetAside(this.#core);
    this.#opened = true;
  }

  /** Names the database, the same as long as it lives. */
  get epoch(): string {
    return this.#core.epoch;
  }

  /** Between `open` and `close`, also while a failed device waits to be opened again. */
  get isOpen(): boolean {
    return this.#opened;
  }

  /** Largest encoded size of one append. */
  get appendBytesMax(): number {
    return this.#core.shares.appendBytes;
  }

  /** Encoded bytes of what is committed together, unless one request alone is larger. */
  get groupBytesMax(): number {
    return this.#core.shares.groupBytes;
  }

  /** A new config, at start or at reload. */
  configure(settings: StoreSettings): void {
    this.#core.applySettings(settings);
    lookAtDevice(this.#core);
    const align = (): void => {
      alignUplinks(this.#core, settings);
      alignRollups(this.#core);
    };
    this.#relieved(() => this.#core.transaction(align, { durable: true }));
  }

  close(): void {
    if (this.#opened && !this.#core.astray) keepKnown(this.#core);
    this.#opened = false;
    this.#core.close();
  }

  /**
   * Group commit: all requests in one transaction and one sync. A disk that fails stores nothing and answers every append so. An
   * append behind a refused one of its order (urgent, usual) is refused with it: appends are stored in their order or not at all.
   */
  commit(requests: readonly WriteRequest[], now: Moment): CommitResult {
    const core = this.#core;
    const refused = core.astray && !core.inPlace() ? this.#astrayOutcome() : null;
    if (refused !== null && requests.every(isAppend))
      return { outcomes: requests.map(() => refused), grown: [], doubtful: null };
    const grown = new Set<string>();
    try {
      this.#prepareLog(pagesTouched(requests, core.shares));
      const outcomes = this.#relieved(
        () =>
          core.transaction(
            () => {
              // What is kept can still be sent and settled; what is new would be lost.
              const before = { urgent: refused, usual: refused };
              moveFloor(core, now);
              return requests.map((request) => {
                if (request.kind !== 'append') return this.#apply(request, { now, grown });
                const order = request.urgent === true ? 'urgent' : 'usual';
                const outcome = before[order] ?? this.#apply(request, { now, grown });
                if (!outcome.ok) before[order] = outcome;
                return outcome;
              });
            },
            { durable: true },
          ),
        { reserve: !requests.some(isAppend) },
      );
      const { doubt } = core;
      if (doubt === null || refused !== null) return { outcomes, grown: [...grown], doubtful: null };
      return this.#doubted(requests, { doubt, outcomes, grown: [...grown] });
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      const trouble = error.trouble === 'full' ? 'full' : 'io';
      if (trouble === 'full') core.events.full(error.message);
      else core.events.troubled(error.trouble, error.message);
      const outcome = { ok: false, trouble, message: error.message } as const;
      const outcomes = requests.map(() => outcome);
      if (!(error instanceof CommitInDoubt)) return { outcomes, grown: [], doubtful: null };
      const result = error.result as readonly WriteOutcome[];
      const doubtful = { doubt: error.doubt, outcomes: result, grown: [...grown] };
      return { outcomes, grown: [], doubtful };
    }
  }

  /** What became of a commit in doubt; `open` while that can not be told. */
  verdict(doubt: Doubt): Verdict {
    return this.#core.verdict(doubt);
  }

  /** @throws {DiskError} */
  read(request: ReadRequest): StoredRun | null {
    return readRun(this.#core, request);
  }

  backlog(uplink: string): StreamBacklog[] {
    return backlogOf(this.#core, uplink);
  }

  marks(source: string): Uint8Array {
    return loadMarks(this.#core, source);
  }

  pipelineStates(): readonly StreamStates[] {
    return loadStates(this.#core);
  }

  ledger(): Ledger {
    return ledgerOf(this.#core);
  }

  stats(): StoreStats {
    return statsOf(this.#core);
  }

  blocks(stream: string, page: { from: number; limit: number }): BlockRow[] {
    return blocksOf(this.#core, stream, page);
  }

  get clockTerms(): ClockTerms {
    return clockTerms(this.#core.memory);
  }

  /** The true wall time at monotonic 0 of this boot: what was counted from elsewhere is corrected. Answers how many readings. @throws {DiskError} */
  setClock(set: ClockSet): number {
    const core = this.#core;
    const readings = this.#relieved(() => core.transaction(() => setClock(core, set), { durable: true }));
    if (readings > 0) core.events.clockSet(readings);
    return readings;
  }

  windows(request: WindowsRequest): WindowsJson {
    return windowsOf(this.#core, request);
  }

  purge(request: PurgeRequest): number {
    return this.#relieved(() => this.#core.transaction(() => purge(this.#core, request), { durable: true }));
  }

  fsck(options: { repair: boolean }): FsckReport {
    return fsck(this.#core, options);
  }

  /** What a request counts for in a group, see {@link groupBytesMax}. */
  weightOf(request: WriteRequest): number {
    if (request.kind === 'append') return bytesOf(request.entries);
    return request.settlement.outcome.kind === 'refused' ? this.#core.shares.refusalBytes : 0;
  }

  /** The journal grew beyond its share, or the ladder is behind: maintain before the next commit. */
  get pressing(): boolean {
    return journalPressing(this.#core) || ladderPressing(this.#core);
  }

  /**
   * One slice of the work that can wait. True when there may be more. Weather is reported and answered by false.
   * @throws {SedgeError} when the database was taken away and is given up.
   */
  maintain(now: Moment): boolean {
    const core = this.#core;
    try {
      if (!this.#place.inPlace(now)) return false;
      // Before they take the room of readings.
      if (tooManyPieces(core) && !journalPressing(core) && this.#rollUp(now)) return true;
      const due = this.#sealer.stream ?? dueForSealing(core, now);
      if (due !== null && !this.#sealer.advance(due, { whole: this.pressing || isBehind(core, due) }))
        return true;
      if (due !== null || ladderDue(core)) {
        this.#prepareLog((2 * core.shares.sealSliceBytes) / pageBytes);
        const work = (): void => {
          if (due === null) return climb(core);
          this.#sealer.store(due.name);
          trimDeadLetters(core);
        };
        this.#relieved(() => core.transaction(work, { durable: false }));
        return true;
      }
      if (core.figures.logBytes() > core.shares.walBytes / 4) return core.checkpoint();
      return this.#rollUp(now) || this.#compact(now) || this.#vacuum();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      core.events.troubled(error.trouble, error.message);
      return false;
    }
  }

  #apply(request: WriteRequest, context: { now: Moment; grown: Set<string> }): WriteOutcome {
    const core = this.#core;
    if (request.kind === 'append') {
      const bytes = bytesOf(request.entries);
      if (bytes > core.shares.appendBytes) {
        // Only where the device leaves less room than any configured size: the log is then too small for it.
        core.events.full('the log is too small for an append');
        const message = tooSmallFor(bytes, core.shares);
        return { ok: false, trouble: 'full', message };
      }
      if (!storeEntries(core, request.entries, context.now)) {
        core.events.full('the cap is reached');
        return { ok: false, trouble: 'full', message: 'the buffer is full' };
      }
      for (const entry of request.entries) if (entry.rows.length > 0) context.grown.add(entry.stream);
      return { ok: true };
    }
    try {
      checkSettlement(core, request.settlement);
    } catch (error) {
      if (error instanceof SedgeError) return { ok: false, trouble: 'misuse', message: error.message };
      throw error;
    }
    settle(core, request.settlement, context.now);
    return { ok: true };
  }

  /** Committed, but into files nobody will find: settlements are done, appends are not acknowledged. */
  #doubted(requests: readonly WriteRequest[], doubtful: DoubtfulCommit): CommitResult {
    const outcomes = requests.map((request, i) => {
      const outcome = doubtful.outcomes[i];
      assert(outcome !== undefined, 'an outcome for each request');
      return request.kind === 'append' && outcome.ok ? this.#astrayOutcome() : outcome;
    });
    return { outcomes, grown: doubtful.grown, doubtful };
  }

  #astrayOutcome(): WriteOutcome {
    return { ok: false, trouble: 'io', message: astrayMessage(this.#core.space.database) };
  }

  /** Makes sure the log has room for what the transaction will write. @throws {DiskError} when it can not be emptied. */
  #prepareLog(expected: number): void {
    const core = this.#core;
    const { mayGrow, bytesSinceSpaceCheck } = core.memory;
    // Below the floor every commit looks, so that it goes on as soon as there is room.
    if (!core.astray && (!mayGrow || bytesSinceSpaceCheck >= spaceCheckBytes)) lookAtDevice(core);
    const pages = upkeepPages + expected;
    if (core.figures.logBytes() + pages * walFrameBytes <= core.shares.walBytes) return;
    if (core.checkpoint()) return;
    throw new DiskError('io', 'the log is full and could not be copied into the database');
  }

  /** Runs a change; when the device is full, once more with the log emptied and, for what lets go of readings, the reserve given back. */
  #relieved<T>(change: () => T, { reserve }: { readonly reserve: boolean } = { reserve: true }): T {
    try {
      return change();
    } catch (error) {
      if (!(error instanceof DiskError) || error.trouble !== 'full') throw error;
      // An emptied log is written again from its start and needs no room of the device; the reserve is the last resort.
      if (!this.#core.checkpoint() && (!reserve || this.#core.space.reserveBytes() === 0)) throw error;
      if (reserve) this.#core.space.releaseReserve();
      // With room again the database can be opened and asked whether the commit stands.
      const verdict = error instanceof CommitInDoubt ? this.#core.verdict(error.doubt) : 'lost';
      if (verdict === 'open') throw error;
      if (verdict === 'stands') return (error as CommitInDoubt).result as T;
      return this.#core.folding.resting(change);
    }
  }

  /** One slice of merging summaries and of letting old ones go. True when there may be more. */
  #rollUp(now: Moment): boolean {
    if (this.queries.holdsWindows || now.monotonicMillis < this.#rollUpMillis) return false;
    if (!rollUpDue(this.#core, now)) return false;
    this.#rollUpMillis = now.monotonicMillis + compactRetryMillis;
    this.#prepareLog(this.#core.shares.walBytes / 2 / walFrameBytes);
    rollUp(this.#core, now);
    this.#rollUpMillis = -Infinity;
    return true;
  }

  /** One step of joining small blocks, now and then. Always false: what is left waits for the next turn. */
  #compact(now: Moment): boolean {
    const core = this.#core;
    const [due] = core.memory.toCompact;
    if (due === undefined || now.monotonicMillis < this.#compactMillis) return false;
    // A device that fails is not asked again at once.
    this.#compactMillis = now.monotonicMillis + compactRetryMillis;
    this.#prepareLog((2 * core.shares.sealSliceBytes) / pageBytes);
    core.transaction(
      () => {
        const { streams, toCompact } = core.memory;
        // By name: the mirror may have been loaded anew.
        const stream = streams.get(due.name);
        if (stream === undefined) return;
        toCompact.delete(stream);
        stream.blocksUnjoined = 0;
        if (compactStep(core, stream)) toCompact.add(stream);
      },
      { durable: false },
    );
    this.#compactMillis = now.monotonicMillis + compactPauseMillis;
    return false;
  }

  /** Gives pages back; refilling the file is cheaper than growing it again. */
  #vacuum(): boolean {
    const core = this.#core;
    const slice = pagesToGiveBack(core);
    if (slice === 0) return false;
    this.#prepareLog(2 * slice);
    core.transaction(() => core.db.exec(`PRAGMA incremental_vacuum(${slice})`), { durable: false });
    return true;
  }
}

/** What comes in may not use up the reserve that letting go needs; settlements beside it are tried again without it. */
const isAppend = ({ kind }: WriteRequest): boolean => kind === 'append';

/** Pages of accounts, roots and maps any transaction may touch. */
const upkeepPages = 24;
