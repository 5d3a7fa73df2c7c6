import type { DrillAccount, DrillName } from './account.ts';
import type { DrillSite } from './drill-site.ts';
import { type KillInstant, planKills } from './kill-plan.ts';
import { limits } from './limits.ts';

export interface DrillOptions {
  readonly drill: DrillName;
  readonly total: number;
  readonly kills: number;
  readonly seed: number;
  /** Kills fall before so many messages are taken in; default: anywhere. */
  readonly killsWithin?: number;
  /** Where the power can be cut; null: the process is killed, and that is all. */
  readonly disk: { cut(): void; replug(): Promise<void> } | null;
  /** Messages the agent has taken in, by which kills are timed; default: those acknowledged to the publisher. */
  readonly taken?: () => Promise<number>;
  /** The uplink comes back once every message is acknowledged, or already when the agent takes no more because it is full. */
  readonly healWhen?: 'flooded' | 'full';
  /** Something else that happens while the flood runs, before the uplink comes back. */
  readonly meanwhile?: () => Promise<void>;
  /** Resolves when the drill is to end early. */
  readonly interrupted: Promise<unknown>;
  readonly tell: (progress: string) => void;
}

/** Ends a drill from any depth of it. */
class Broken extends Error {}

/**
 * Flood with the uplink away, kills at instants given by the seed, the uplink back in bad weather, everything drained, both ends
 * compared. The site must have been started; it is left running, for whoever wants to look.
 */
export async function runDrill(site: DrillSite, options: DrillOptions): Promise<DrillAccount> {
  const started = performance.now();
  const run = new DrillRun(site, options);
  let broken: string | null = null;
  try {
    await run.flood();
    await run.drain();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    broken = error.message;
  }
  const ledger = await site.ledger();
  const { drill, seed } = options;
  const { published, acknowledged, kills, slowestStartMs, peakMemoryBytes } = site;
  return {
    drill,
    seed,
    kills,
    published,
    acknowledged,
    ...site.counts(),
    ledger,
    peakMemoryBytes,
    slowestStartMs,
    broken,
    seconds: (performance.now() - started) / 1000,
  };
}

class DrillRun {
  readonly #site: DrillSite;
  readonly #options: DrillOptions;
  readonly #plan: ReturnType<typeof planKills>;
  #interrupted = false;

  constructor(site: DrillSite, options: DrillOptions) {
    this.#site = site;
    this.#options = options;
    this.#plan = planKills({
      total: options.killsWithin ?? options.total,
      kills: options.kills,
      seed: options.seed,
      delayMsMax: limits.killDelayMsMax,
    });
    void options.interrupted.then(() => (this.#interrupted = true));
  }

  async flood(): Promise<void> {
    const { total, kills, tell, taken, healWhen, meanwhile } = this.#options;
    const site = this.#site;
    const count = taken ?? (() => Promise.resolve(site.acknowledged));
    const everyMs = taken === undefined ? limits.lookMs : limits.askMs / 4;
    site.flood();
    const event = meanwhile?.();
    for (const instant of this.#plan.flood) {
      await this.#until(async () => {
        const reached = await count();
        tell(`${site.acknowledged} of ${total} acknowledged, ${site.kills} of ${kills} kills`);
        return { progress: reached, done: reached >= instant.count || site.flooded };
      }, everyMs);
      await this.#kill(instant);
    }
    await event;
    if (healWhen === 'full') return this.#untilFull();
    await this.#until(() => {
      tell(`${site.acknowledged} of ${total} acknowledged, uplink still away`);
      return Promise.resolve({ progress: site.acknowledged, done: site.flooded });
    }, limits.askMs);
  }

  async drain(): Promise<void> {
    const site = this.#site;
    await site.healCloud();
    const { drain } = this.#plan;
    if (drain !== null) {
      await this.#until(() => {
        const progress = this.#tellDelivered();
        return Promise.resolve({ progress, done: progress >= drain.count });
      }, limits.askMs);
      await this.#kill(drain);
    }
    let last = '';
    let quietSince = performance.now();
    await this.#until(async () => {
      this.#tellDelivered();
      const ledger = await site.ledger();
      const counts = site.counts();
      const now = JSON.stringify([ledger, counts, site.acknowledged]);
      if (now !== last) quietSince = performance.now();
      last = now;
      const quietMs = counts.lost === 0 ? limits.quietMs : limits.quietMissingMs;
      const quiet = performance.now() - quietSince > quietMs;
      return { progress: quietSince, done: quiet && site.flooded && ledger?.buffered === 0 };
    }, limits.askMs);
  }

  /** The agent takes nothing more, because its disk or its share of it is full. */
  async #untilFull(): Promise<void> {
    const site = this.#site;
    let received = -1;
    let since = performance.now();
    await this.#until(async () => {
      const ledger = await site.ledger();
      this.#options.tell(
        `${ledger?.received ?? 0} of ${this.#options.total} taken in, waiting for a full disk`,
      );
      if (ledger !== null && ledger.received !== received) {
        received = ledger.received;
        since = performance.now();
      }
      return { progress: received, done: received > 0 && performance.now() - since > 3 * limits.quietMs };
    }, limits.askMs);
  }

  #tellDelivered(): number {
    const delivered = this.#site.readDelivered();
    this.#options.tell(`${delivered} of ${this.#site.acknowledged} delivered`);
    return delivered;
  }

  async #kill({ delayMs }: KillInstant): Promise<void> {
    const { disk } = this.#options;
    await pause(delayMs);
    await this.#site.kill(() => disk?.cut());
    await disk?.replug();
    await this.#site.startAgent();
  }

  /** Looks until it is done. Breaks the drill off when interrupted, and when nothing moves. */
  async #until(look: () => Promise<{ progress: number; done: boolean }>, everyMs: number): Promise<void> {
    let progress = Number.NaN;
    let movedAt = performance.now();
    for (;;) {
      const seen = await look();
      if (seen.done) return;
      const now = performance.now();
      if (seen.progress !== progress) movedAt = now;
      progress = seen.progress;
      if (this.#interrupted) throw new Broken('interrupted before everything had drained');
      if (now - movedAt > limits.stalledMs)
        throw new Broken(
          `nothing moved for ${limits.stalledMs / 1000} s (${await this.#site.words()}; last log line: ${lastLine(this.#site.log)})`,
        );
      await pause(everyMs);
    }
  }
}

function lastLine(log: string): string {
  return log.trim().split('\n').at(-1) ?? '';
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
