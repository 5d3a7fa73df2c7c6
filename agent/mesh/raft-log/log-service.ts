import { SedgeError } from '../../base/errors.ts';
import { DiskError } from '../../ports/database.ts';
import { entriesBytes, type LogIndex } from '../raft/entry.ts';
import { limits } from './limits.ts';
import type { LogStore, WriteOrder } from './log-store.ts';
import type { AcceptLossOrder, CompactOrder, HealOrder, LogDamage, LogTrouble } from './port.ts';
import type { LogNews, LogRequest } from './protocol.ts';

type Order = Extract<LogRequest, { kind: 'order' }>['order'];

export interface Turn {
  readonly news: readonly LogNews[];
  /** Call again after this long; 0: at once; null: when a request comes. */
  readonly waitMs: number | null;
}

/**
 * What the log's thread does in a turn: the writes that wait go into one transaction, then one step of a compaction. Orders that
 * come meanwhile form the next group. When the device fails the life ends, and the service tries to begin another, ever less often.
 */
export class LogService {
  readonly #store: LogStore;
  /** Monotonic, in milliseconds. */
  readonly #now: () => number;
  #state: 'idle' | 'ready' | 'lost' | 'damaged' | 'ended' = 'idle';
  #life = 0;
  #orders: Order[] = [];
  #compacting: { readonly id: number; readonly upTo: LogIndex } | null = null;
  #damage: LogDamage | null = null;
  #stopping = false;
  #probeAt = 0;
  #probePauseMs: number = limits.probePauseMsMin;
  #mustProveRoom = false;
  #news: LogNews[] = [];

  constructor(options: { readonly store: LogStore; readonly now: () => number }) {
    this.#store = options.store;
    this.#now = options.now;
  }

  take(request: LogRequest): void {
    if (this.#state === 'ended') return;
    if (request.kind === 'stop') this.#stopping = true;
    else if (request.kind === 'start') this.#state = this.#state === 'idle' ? 'lost' : this.#state;
    else if (request.life === this.#life) this.#orders.push(request.order);
  }

  turn(): Turn {
    if (this.#state === 'lost' && !this.#stopping && this.#now() >= this.#probeAt) this.#open();
    if (this.#state === 'damaged') this.#answerDamaged();
    if (this.#state === 'ready') this.#work();
    if (this.#stopping && (this.#state !== 'ready' || !this.#hasWork)) this.#end();
    const news = this.#news;
    this.#news = [];
    return { news, waitMs: this.#waitMs() };
  }

  get #hasWork(): boolean {
    return this.#orders.length > 0 || this.#compacting !== null;
  }

  #waitMs(): number | null {
    if (this.#state === 'lost') return this.#stopping ? 0 : Math.max(0, this.#probeAt - this.#now());
    return this.#state === 'ready' && this.#hasWork ? 0 : null;
  }

  #open(): void {
    const started = this.#now();
    this.#guarded(() => {
      const opening = this.#store.open();
      this.#life++;
      if (opening.kind === 'damaged') {
        this.#state = 'damaged';
        this.#damage = opening.damage;
        this.#news.push({ kind: 'damaged', life: this.#life, damage: opening.damage });
        return;
      }
      if (this.#mustProveRoom) this.#store.proveRoom();
      this.#mustProveRoom = false;
      this.#state = 'ready';
      const { image, truncation, mendedBallot } = opening;
      const seconds = (this.#now() - started) / 1_000;
      this.#news.push({ kind: 'ready', life: this.#life, image, truncation, mendedBallot, seconds });
    });
  }

  #work(): void {
    this.#guarded(() => {
      const writes = this.#nextGroup();
      if (writes.length > 0) {
        const started = this.#now();
        this.#store.write(writes);
        this.#written(
          writes.map(({ id }) => id),
          started,
        );
      } else this.#other();
      if (this.#compacting !== null) this.#compact(this.#compacting);
      if (this.#state === 'ready') this.#store.upkeep();
    });
  }

  /** From the front, as orders do not overtake each other, within what one sync should carry. */
  #nextGroup(): WriteOrder[] {
    const group: WriteOrder[] = [];
    let bytes = 0;
    for (const order of this.#orders) {
      if (order.kind !== 'append' && order.kind !== 'keep-snapshot') break;
      bytes += weightOf(order);
      if (group.length > 0 && (group.length === limits.groupOrdersMax || bytes > limits.groupBytesMax)) break;
      group.push(order);
    }
    this.#orders.splice(0, group.length);
    return group;
  }

  #other(): void {
    if (this.#compacting !== null) return;
    const order = this.#orders.shift() as CompactOrder | HealOrder | AcceptLossOrder | undefined;
    if (order === undefined) return;
    if (order.kind === 'compact') this.#compacting = order;
    else if (order.kind === 'heal') this.#healDoubt(order);
    else {
      const started = this.#now();
      this.#store.acceptLoss();
      this.#written([order.id], started);
    }
  }

  #compact({ id, upTo }: { readonly id: number; readonly upTo: LogIndex }): void {
    const started = this.#now();
    if (this.#store.compactStep(upTo)) return;
    this.#compacting = null;
    this.#written([id], started);
  }

  #answerDamaged(): void {
    for (const order of this.#orders.splice(0)) {
      if (order.kind !== 'heal') this.#refuse(order.id, 'the log is damaged');
      else if (this.#heal(order, this.#damage)) return;
    }
  }

  #healDoubt(order: HealOrder): void {
    const { doubt, lastIndex } = this.#store;
    if (doubt !== null && order.snapshot.id.index < lastIndex)
      this.#refuse(order.id, `the snapshot ends at ${order.snapshot.id.index}, the log reaches ${lastIndex}`);
    else this.#heal(order, doubt);
  }

  /** False when it is refused. */
  #heal({ id, snapshot }: HealOrder, need: Pick<LogDamage, 'needIndex' | 'ballot'> | null): boolean {
    const { index } = snapshot.id;
    if (need === null) this.#refuse(id, 'the log is neither damaged nor in doubt');
    else if (need.ballot === null)
      this.#refuse(id, 'the head of the log is lost: this member must come back under a new id');
    else {
      const { needIndex, ballot } = need;
      this.#guarded(() => {
        this.#store.heal(snapshot, { ballot, doubt: index < needIndex ? needIndex : 0 });
        this.#reopen();
      });
      return true;
    }
    return false;
  }

  #reopen(): void {
    this.#orders = [];
    this.#compacting = null;
    this.#damage = null;
    this.#state = 'lost';
    this.#probeAt = this.#now();
    this.#open();
  }

  /** Weather ends the life; a file found broken is read again, to learn what is left of it. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof SedgeError) {
        this.#news.push({ kind: 'failed', code: error.code, message: error.message });
        this.#end();
      } else if (error instanceof DiskError) this.#lose(error);
      else throw error;
    }
  }

  #lose(error: DiskError): void {
    const trouble: LogTrouble = error.trouble === 'corrupt' ? 'io' : error.trouble;
    this.#news.push({ kind: 'lost', trouble, message: error.message });
    this.#state = 'lost';
    // Orders of the ended life that are still on their way are not of this one.
    this.#life++;
    this.#orders = [];
    this.#compacting = null;
    this.#mustProveRoom ||= trouble === 'full';
    this.#closeQuietly();
    this.#probeAt = this.#now() + this.#probePauseMs;
    this.#probePauseMs = Math.min(limits.probePauseMsMax, this.#probePauseMs * 2);
  }

  #end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#orders = [];
    this.#closeQuietly();
    this.#news.push({ kind: 'stopped' });
  }

  #closeQuietly(): void {
    try {
      this.#store.close();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  #written(ids: readonly number[], started: number): void {
    const seconds = (this.#now() - started) / 1_000;
    this.#probePauseMs = limits.probePauseMsMin;
    this.#news.push({ kind: 'written', life: this.#life, ids, seconds });
  }

  #refuse(id: number, reason: string): void {
    this.#news.push({ kind: 'refused', id, reason });
  }
}

function weightOf(order: WriteOrder): number {
  const entries = order.kind === 'append' ? entriesBytes(order.entries) : 0;
  return entries + (order.snapshot?.data.length ?? 0);
}
