import type { Prng } from '#agent/base/prng.ts';
import type { RaftLimits } from '#agent/mesh/raft/limits.ts';
import { quickDisk, type DiskHabits } from './member-disk.ts';
import { calm, type Weather } from './network.ts';

/** How the members of one run are set up: part of what a seed decides. */
export interface SimSettings {
  readonly voters: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** `log`: the production log over a simulated device; asynchronous only. `plain`: a stand-in, several times as fast. */
  readonly storage: 'plain' | 'log';
  readonly asyncStorage: boolean;
  /** Pre-vote and check-quorum, together or not at all, as the README recommends. */
  readonly guarded: boolean;
  readonly forwardProposals: boolean;
  readonly stepDownOnRemoval: boolean;
  readonly limits: Partial<RaftLimits>;
  /** Ticks an order to apply takes, at most. Asynchronous storage only. */
  readonly applyMax: number;
  /** Synchronous storage only: messages leave before the write, as they may. */
  readonly sendsFirst: boolean;
  /** Share by which one member's clock may run faster or slower than another's. */
  readonly drift: number;
  /** Entries applied between two snapshots of the state machine; Infinity: never. */
  readonly snapshotEvery: number;
  /** Entries kept below a snapshot for members that lag. */
  readonly keepBehind: number;
  /** Probability that applying an order also syncs the state machine. */
  readonly checkpoints: number;
  readonly weather: Weather;
  readonly disk: DiskHabits;
  /** Bytes that mean nothing in a command, at most. */
  readonly paddingMax: number;
}

export const plainSettings: SimSettings = {
  voters: 3,
  electionTicks: 10,
  heartbeatTicks: 2,
  storage: 'plain',
  asyncStorage: true,
  guarded: true,
  forwardProposals: true,
  stepDownOnRemoval: true,
  limits: {},
  applyMax: 0.05,
  sendsFirst: true,
  drift: 0,
  snapshotEvery: Infinity,
  keepBehind: 10,
  checkpoints: 0.2,
  weather: calm,
  disk: quickDisk,
  paddingMax: 0,
};

export function drawWeather(random: Prng): Weather {
  const delayMin = random.float() * 0.5;
  return {
    loss: random.chance(0.3) ? 0 : random.float() * random.float() * 0.3,
    delayMin,
    delayMax: delayMin + random.float() * random.pick([0.2, 1, 4]),
    duplicates: random.chance(0.5) ? 0 : random.float() * 0.5,
    held: random.chance(0.5) ? 0 : random.float() * 0.1,
    heldMax: random.float() * 60,
    ordered: random.chance(0.3),
  };
}

export function drawDisk(random: Prng, electionTicks: number): DiskHabits {
  const writeMin = random.float() * 0.1;
  return {
    writeMin,
    writeMax: writeMin + random.float() * random.pick([0.1, 1, 3]),
    stalls: random.chance(0.6) ? 0 : random.float() * 0.05,
    stallMax: random.float() * electionTicks * 2,
    torn: random.pick([0.8, 0.9, 1]),
    losesEnd: 0,
  };
}

const bounds = (random: Prng): Partial<RaftLimits> => {
  if (random.chance(0.4)) return {};
  const messageBytesMax = random.pick([1, 40, 200, 2_000]);
  return {
    messageBytesMax,
    inflightMessagesMax: 1 + random.below(8),
    inflightBytesMax: Math.max(messageBytesMax, random.pick([100, 1_000])),
    uncommittedBytesMax: random.pick([100, 1_000, 10_000]),
    applyingBytesMax: random.pick([1, 60, 1_000]),
    unstableBytesMax: random.pick([1, 200, 2_000]),
    unappliedEntriesMax: random.pick([1, 8, 64]),
    readsPendingMax: random.pick([1, 4, 64]),
  };
};

export function drawSettings(random: Prng, voters: number): SimSettings {
  const heartbeatTicks = 1 + random.below(4);
  const electionTicks = heartbeatTicks * (3 + random.below(8));
  return {
    voters,
    electionTicks,
    heartbeatTicks,
    storage: 'plain',
    asyncStorage: random.chance(0.7),
    guarded: random.chance(0.85),
    forwardProposals: random.chance(0.8),
    stepDownOnRemoval: random.chance(0.9),
    limits: bounds(random),
    applyMax: random.pick([0.05, 1, 10]),
    sendsFirst: random.chance(0.5),
    drift: random.chance(0.5) ? 0 : random.float() * 0.2,
    snapshotEvery: random.pick([3, 10, 40, Infinity]),
    keepBehind: random.pick([0, 3, 20]),
    checkpoints: random.pick([0.05, 0.3, 1]),
    weather: drawWeather(random),
    disk: drawDisk(random, electionTicks),
    paddingMax: random.pick([0, 0, 60, 400]),
  };
}
