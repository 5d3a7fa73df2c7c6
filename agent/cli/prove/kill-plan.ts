import { Prng } from '../../base/prng.ts';

/** When the agent is killed: the same seed gives the same counts. */
export interface KillPlan {
  /** While the uplink is down: messages taken in at which it is killed, ascending, each in 1 … total - 1. */
  readonly flood: readonly KillInstant[];
  /** While the backlog drains: readings delivered. Null when there is only one kill. */
  readonly drain: KillInstant | null;
}

export interface KillInstant {
  readonly count: number;
  /** From reaching the count to the kill, so that no instant of a commit is spared. */
  readonly delayMs: number;
}

/** The last of several kills falls into the drain, where cursors are at stake instead of acknowledgements. */
export function planKills(options: {
  total: number;
  kills: number;
  seed: number;
  delayMsMax: number;
}): KillPlan {
  const { total, kills, seed, delayMsMax } = options;
  const prng = new Prng(seed);
  const delayMs = (): number => prng.float() * delayMsMax;
  const inFlood = kills > 1 ? kills - 1 : kills;
  // One to a slice, so that seeds differ in the instants and not in how much is tested.
  const slice = (total - 1) / Math.max(1, inFlood);
  const flood = Array.from({ length: inFlood }, (_, i) => ({
    count: 1 + Math.floor((i + prng.float()) * slice),
    delayMs: delayMs(),
  }));
  if (kills < 2) return { flood, drain: null };
  return { flood, drain: { count: 1 + prng.below(total - 1), delayMs: delayMs() } };
}
