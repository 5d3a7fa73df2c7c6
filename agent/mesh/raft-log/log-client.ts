import { assert } from '../../base/assert.ts';
import { SedgeError } from '../../base/errors.ts';
import { entriesBytes, type LogIndex } from '../raft/entry.ts';
import type { LogReader } from '../raft/log/log-reader.ts';
import type { MemoryLog } from '../raft/log/memory-log.ts';
import type { RaftLogEvents } from './events.ts';
import { memoryLogOf, type LogImage } from './image.ts';
import { limits } from './limits.ts';
import type { AppendOrder, LogOrder, LogReport, LogSize, RaftLogStorage } from './port.ts';
import type { LogChannel, LogNews } from './protocol.ts';

/**
 * The storage as the member's thread sees it: orders go to the log's thread, and what it says is durable is mirrored in memory,
 * where the member reads it.
 */
export class RaftLogClient implements RaftLogStorage {
  readonly #channel: LogChannel;
  readonly #events: RaftLogEvents;
  #listener: ((report: LogReport) => void) | null = null;
  /** 0 outside a life. */
  #life = 0;
  #damagedLife = 0;
  #mirror: MemoryLog | null = null;
  #bytes = 0;
  #doubt: LogIndex = 0;
  #orders: LogOrder[] = [];
  #isLost = false;
  /** The thread answers no more. */
  #isOver = false;
  #stopped: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  constructor(options: { readonly channel: LogChannel; readonly events: RaftLogEvents }) {
    this.#channel = options.channel;
    this.#events = options.events;
  }

  start(listener: (report: LogReport) => void): void {
    if (this.#listener !== null) return;
    this.#listener = listener;
    this.#channel.onNews((news) => {
      for (const item of news) this.#take(item);
    });
    this.#channel.onDeath((reason) => this.#die(reason));
    this.#channel.post({ kind: 'start' });
  }

  submit(order: LogOrder): void {
    const life = order.kind === 'heal' && this.#life === 0 ? this.#damagedLife : this.#life;
    assert(life > 0, `an order to ${order.kind} outside a life`);
    assert(this.#orders.length < limits.ordersWaitingMax, 'the host waits for its disk');
    assert(order.id > (this.#orders.at(-1)?.id ?? 0), 'ids of orders rise');
    const bytes = (order.kind === 'compact' || order.kind === 'accept-loss' ? null : order.snapshot)?.data
      .length;
    assert((bytes ?? 0) <= limits.snapshotBytesMax, `a snapshot of ${bytes} bytes`);
    this.#orders.push(order);
    this.#channel.post({ kind: 'order', life, order });
  }

  get reader(): LogReader {
    return this.#log;
  }

  get waiting(): number {
    return this.#orders.length;
  }

  get size(): LogSize {
    const log = this.#log;
    return { entries: log.lastIndex() + 1 - log.firstIndex(), bytes: this.#bytes };
  }

  get mayVote(): boolean {
    return this.#doubt === 0;
  }

  stop(): Promise<void> {
    if (this.#stopped !== null) return this.#stopped.promise;
    this.#stopped = Promise.withResolvers<void>();
    if (this.#isOver || this.#listener === null) this.#end();
    else this.#channel.post({ kind: 'stop' });
    return this.#stopped.promise;
  }

  get #log(): MemoryLog {
    assert(this.#mirror !== null, 'a log is read within a life');
    return this.#mirror;
  }

  #take(news: LogNews): void {
    switch (news.kind) {
      case 'ready':
        return this.#begin(news);
      case 'written':
        return this.#written(news);
      case 'damaged':
        this.#leave();
        this.#damagedLife = news.life;
        this.#events.damaged(news.damage);
        return this.#report({ kind: 'damaged', damage: news.damage });
      case 'lost':
        return this.#lose(news);
      case 'refused':
        this.#orders = this.#orders.filter(({ id }) => id !== news.id);
        return this.#report({ kind: 'refused', id: news.id, reason: news.reason });
      case 'failed':
        this.#leave();
        this.#isOver = true;
        return this.#report({ kind: 'failed', error: new SedgeError(news.code, news.message) });
      case 'stopped':
        return this.#isOver && this.#stopped === null ? undefined : this.#end();
    }
  }

  #begin(news: Extract<LogNews, { kind: 'ready' }>): void {
    const { image, truncation } = news;
    this.#leave();
    this.#life = news.life;
    this.#mirror = memoryLogOf(image);
    this.#bytes = entriesBytes(image.entries);
    this.#doubt = image.doubt;
    if (truncation !== null) this.#events.truncated(truncation, image.doubt);
    if (news.mendedBallot) this.#events.mended();
    if (this.#isLost) this.#events.recovered();
    this.#isLost = false;
    this.#events.opened(factsOf(image), news.seconds);
    this.#report({ kind: 'ready', doubt: image.doubt });
  }

  #written({ life, ids, seconds }: Extract<LogNews, { kind: 'written' }>): void {
    if (life !== this.#life) return;
    let [entries, bytes] = [0, 0];
    for (const id of ids) {
      const order = this.#takeOrder(id);
      if (order.kind === 'append') {
        entries += order.entries.length;
        bytes += entriesBytes(order.entries);
      }
      this.#mirrorOrder(order);
      this.#report({ kind: 'done', id });
    }
    this.#events.written({ orders: ids.length, entries, bytes, seconds });
  }

  /** Nearly always the first: only writes overtake a compaction. */
  #takeOrder(id: number): LogOrder {
    const at = this.#orders.findIndex((order) => order.id === id);
    assert(at >= 0, `order ${id} is answered once`);
    return this.#orders.splice(at, 1)[0]!;
  }

  #mirrorOrder(order: LogOrder): void {
    const log = this.#log;
    if (order.kind === 'append') this.#mirrorAppend(log, order);
    else if (order.kind === 'keep-snapshot') log.keepSnapshot(order.snapshot);
    else if (order.kind === 'accept-loss') this.#doubt = 0;
    else if (order.kind === 'compact' && order.upTo >= log.firstIndex()) {
      this.#bytes -= entriesBytes(log.entries(log.firstIndex(), order.upTo + 1, Infinity) ?? []);
      log.compact(order.upTo);
    }
  }

  #mirrorAppend(log: MemoryLog, { hardState, entries, snapshot }: AppendOrder): void {
    if (snapshot !== null && log.applySnapshot(snapshot)) this.#bytes = 0;
    const first = Math.max(entries[0]?.index ?? Infinity, log.firstIndex());
    if (first <= log.lastIndex())
      this.#bytes -= entriesBytes(log.entries(first, log.lastIndex() + 1, Infinity) ?? []);
    log.append(entries);
    for (const entry of entries) if (entry.index >= first) this.#bytes += entriesBytes([entry]);
    if (hardState !== null) log.setHardState(hardState);
    if (this.#doubt <= log.lastIndex()) this.#doubt = 0;
  }

  #lose({ trouble, message }: Pick<Extract<LogReport, { kind: 'lost' }>, 'trouble' | 'message'>): void {
    if (this.#stopped !== null) return;
    this.#leave();
    // A device that stays away is told of once, and again when it is back.
    if (!this.#isLost) this.#events.lost(trouble, message);
    this.#isLost = true;
    this.#report({ kind: 'lost', trouble, message });
  }

  /** Only a bug of ours ends the thread. */
  #die(reason: string): void {
    if (this.#stopped !== null) return this.#end();
    if (this.#isOver) return;
    this.#leave();
    this.#isOver = true;
    this.#report({ kind: 'failed', error: new Error(`the thread of the Raft log ended: ${reason}`) });
  }

  #leave(): void {
    this.#life = 0;
    this.#damagedLife = 0;
    this.#mirror = null;
    this.#orders = [];
  }

  #end(): void {
    this.#leave();
    this.#stopped ??= Promise.withResolvers<void>();
    const { resolve } = this.#stopped;
    void this.#channel.end().then(resolve);
  }

  #report(report: LogReport): void {
    this.#listener?.(report);
  }
}

const factsOf = ({ entries, before }: LogImage): { readonly entries: number; readonly last: LogIndex } => ({
  entries: entries.length,
  last: before.index + entries.length,
});
