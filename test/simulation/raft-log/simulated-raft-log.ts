import type { Prng } from '#agent/base/prng.ts';
import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import { LogService, type Turn } from '#agent/mesh/raft-log/log-service.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogOrder, LogReport, LogSize, RaftLogStorage } from '#agent/mesh/raft-log/port.ts';
import type { LogChannel, LogNews, LogRequest } from '#agent/mesh/raft-log/protocol.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import type { Telemetry } from '#agent/ports/telemetry.ts';
import { PowerCut, type SimulatedLogDevice } from './simulated-log-device.ts';

export interface SimulatedLogOptions {
  readonly device: SimulatedLogDevice;
  readonly chance: Prng;
  /** Virtual time, in milliseconds. */
  readonly now: () => number;
  /** How long the device takes for what waits now, in milliseconds; drawn once for each turn of the log's thread. Default 0. */
  readonly latencyMs?: () => number;
  readonly telemetry?: Telemetry;
}

const silence: Telemetry = {
  log: () => undefined,
  count: () => undefined,
  gauge: () => undefined,
  observe: () => undefined,
};

/**
 * The production log of a Raft member over a simulated device, in virtual time: nothing happens but in `advance`, where the listener is
 * called. A new one over the same device is the next process on that machine.
 */
export class SimulatedRaftLog implements RaftLogStorage {
  readonly #client: RaftLogClient;
  readonly #service: LogService;
  readonly #options: SimulatedLogOptions;
  #listenToNews: ((news: readonly LogNews[]) => void) | null = null;
  /** When the thread's next turn is done; Infinity: it has nothing to do. */
  #dueMs = Infinity;
  #dead = false;

  constructor(options: SimulatedLogOptions) {
    this.#options = options;
    this.#service = new LogService({ store: new LogStore(options.device), now: options.now });
    const channel: LogChannel = {
      post: (request) => this.#post(request),
      onNews: (listener) => void (this.#listenToNews = listener),
      onDeath: () => undefined,
      end: () => Promise.resolve(),
    };
    this.#client = new RaftLogClient({ channel, events: new RaftLogEvents(options.telemetry ?? silence) });
  }

  start(listener: (report: LogReport) => void): void {
    this.#client.start(listener);
  }
  submit(order: LogOrder): void {
    this.#client.submit(order);
  }
  get reader(): LogReader {
    return this.#client.reader;
  }
  get waiting(): number {
    return this.#client.waiting;
  }
  get size(): LogSize {
    return this.#client.size;
  }
  get mayVote(): boolean {
    return this.#client.mayVote;
  }
  stop(): Promise<void> {
    return this.#client.stop();
  }

  /** When `advance` has something to do. */
  get nextDueMs(): number {
    return this.#dueMs;
  }

  /** Carries out what is due by now. @throws {PowerCut} when the device was told to lose power: then `crash`. */
  advance(): void {
    while (!this.#dead && this.#dueMs <= this.#options.now()) {
      const { news, waitMs } = this.#turn();
      this.#dueMs = waitMs === null ? Infinity : this.#options.now() + waitMs + this.#latency();
      if (news.length > 0) this.#listenToNews?.(news);
    }
  }

  /**
   * The process, or the machine, dies: this object is of no more use. A write that was under way is gone, stands, or, on a device that
   * tears, stands in part; by chance.
   */
  crash(options: { readonly powerCut: boolean; readonly tears?: boolean }): void {
    const { device, chance } = this.#options;
    if (!this.#dead && this.#dueMs < Infinity && chance.chance(0.6)) {
      // Some crashes come before the first statement, some after the last: then the write stands, unanswered.
      device.cutWithin(chance.below(24), options.tears ?? false);
      try {
        this.#service.turn();
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
    }
    this.#dead = true;
    this.#dueMs = Infinity;
    device.endCut();
    if (options.powerCut) device.cut();
  }

  #turn(): Turn {
    try {
      return this.#service.turn();
    } catch (error) {
      this.#dead = true;
      throw error;
    }
  }

  #post(request: LogRequest): void {
    if (this.#dead) return;
    this.#service.take(request);
    if (this.#dueMs === Infinity) this.#dueMs = this.#options.now() + this.#latency();
  }

  #latency(): number {
    return this.#options.latencyMs?.() ?? 0;
  }
}
