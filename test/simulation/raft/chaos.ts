import { messageOf } from '#agent/base/errors.ts';
import { Prng } from '#agent/base/prng.ts';
import { isChangeKind } from '#agent/mesh/raft/entry.ts';
import { leaveJoint, type ChangeStep } from '#agent/mesh/raft/membership/change.ts';
import { noData } from '#agent/mesh/raft/entry.ts';
import type { MembershipRecord } from '#agent/mesh/raft/membership/membership.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { majoritySize } from '#agent/mesh/raft/quorum/majority.ts';
import { judge } from '../linearizability/checker.ts';
import { registerModel, withoutUnasked } from '../linearizability/register.ts';
import { Clients } from './clients.ts';
import { Cluster } from './cluster.ts';
import { calm } from './network.ts';
import { quickDisk } from './member-disk.ts';
import type { SimNode } from './node.ts';
import { drawSettings, drawWeather, type SimSettings } from './settings.ts';
import { unset } from './registers.ts';

export interface ChaosReport {
  readonly seed: number;
  readonly voters: number;
  readonly storage: SimSettings['storage'];
  readonly trace: number;
  readonly ticks: number;
  /** From the end of all faults until a quorum served again and all of it agreed. */
  readonly healedTicks: number;
  readonly operations: number;
  readonly acknowledged: number;
  /** The search for an order was given up. */
  readonly isUndecided: boolean;
  readonly counts: Cluster['counts'];
}

export interface ChaosOptions {
  readonly seed: number;
  /** Drawn from the seed where absent. */
  readonly voters?: number;
  /** Half of the seeds with asynchronous storage run over the production log where absent. */
  readonly storage?: SimSettings['storage'];
}

const safetyTicks = 600;
/** In election timeouts: time to elect through split votes, to catch up by snapshots, and to leave a joint membership. */
const patienceElections = 60;
/** Without pre-vote a member that cannot win keeps raising the term, until chance lets another be first. */
const unguardedElections = 300;
const patienceTicksMin = 600;
const calmApplyMax = 0.05;
/** Members that ever are, the removed included. */
const nodesMax = 16;

/**
 * One life of a group from one number: first safety under faults, then liveness of a healed quorum.
 * @throws with the command that replays it.
 */
export function runChaos(options: ChaosOptions): ChaosReport {
  try {
    return new Chaos(options).run();
  } catch (error) {
    const { voters, storage } = options;
    const fixed = `${voters === undefined ? '' : ` --nodes ${voters}`}${storage === undefined ? '' : ` --storage ${storage}`}`;
    throw new Error(
      `seed ${options.seed}: ${messageOf(error)}; replay: node test/simulation/raft/run.ts --seed ${options.seed}${fixed}`,
      { cause: error },
    );
  }
}

type Act = (node: SimNode) => void;

class Chaos {
  readonly #seed: number;
  readonly #random: Prng;
  /** Chance of what disks lose that had said it was safe. */
  readonly #liar: Prng;
  readonly #cluster: Cluster;
  readonly #clients: Clients;
  readonly #acts: readonly Act[];
  readonly #eventfulness: number;

  constructor({ seed, voters, storage }: ChaosOptions) {
    const random = new Prng(seed);
    const drawn = random.pick([1, 3, 3, 3, 5, 5, 7]);
    const drawnSettings = drawSettings(random, voters ?? drawn);
    // Drawn apart, so that a seed keeps its life when only the disk is another.
    const disk = storage ?? new Prng(seed + 1).pick(['plain', 'log'] as const);
    const isOverLog = disk === 'log' && (storage === 'log' || drawnSettings.asyncStorage);
    const liar = new Prng(seed + 2);
    const losesEnd = liar.chance(0.5) ? 0 : liar.float() * 0.4;
    const honest = isOverLog ? { ...drawnSettings, storage: disk, asyncStorage: true } : drawnSettings;
    const settings = { ...honest, disk: { ...honest.disk, losesEnd } };
    this.#seed = seed;
    this.#random = random;
    this.#liar = liar;
    this.#cluster = new Cluster({ seed: random.uint32(), settings });
    this.#cluster.network.cutTakesFlying = random.chance(0.5);
    this.#clients = new Clients(this.#cluster, random.uint32(), {
      clients: 1 + random.below(8),
      registers: 1 + random.below(4),
      eagerness: 0.05 + random.float() * 0.5,
      reads: random.float() * 0.7,
      swaps: random.float() * 0.3,
      patience: settings.electionTicks * (1 + random.below(6)),
      insistence: random.pick([0, 0, 0.05]),
    });
    this.#eventfulness = random.float() * random.float() * 0.3;
    // Each run has its own mix: some faults often, some never.
    this.#acts = this.#allActs().flatMap((act) => Array.from({ length: random.below(4) }, () => act));
  }

  run(): ChaosReport {
    const cluster = this.#cluster.startAll();
    for (let tick = 0; tick < safetyTicks; tick++) {
      this.#clients.tick(true);
      cluster.run(1);
      this.#restart(0.05);
      if (this.#acts.length > 0 && this.#random.chance(this.#eventfulness))
        this.#random.pick(this.#acts)(this.#victim());
    }
    const healedTicks = this.#heal();
    const { record, acknowledged } = this.#clients;
    const { verdict, object, steps } = judge(registerModel(unset), withoutUnasked(record), 300_000);
    if (verdict === 'not-linearizable')
      throw new Error(`register ${object}: no order explains what ${record.length} clients were told`);
    return {
      seed: this.#seed,
      voters: cluster.settings.voters,
      storage: cluster.settings.storage,
      trace: cluster.trace,
      ticks: Math.floor(cluster.now),
      healedTicks,
      operations: record.length,
      acknowledged,
      isUndecided: verdict === 'unknown' || steps < 0,
      counts: cluster.counts,
    };
  }

  /** Anybody, and often the leader: most that goes wrong does so where one is replaced. */
  #victim(): SimNode {
    const { leader, nodes } = this.#cluster;
    return leader !== undefined && this.#random.chance(0.3) ? leader : this.#random.pick([...nodes.values()]);
  }

  #restart(chance: number): void {
    const cluster = this.#cluster;
    for (const node of cluster.nodes.values()) {
      if (node.isUp || node.quarantined || cluster.now < node.downUntil) continue;
      if (this.#random.chance(chance)) cluster.start(node.id);
    }
  }

  #allActs(): Act[] {
    const cluster = this.#cluster;
    const random = this.#random;
    const { electionTicks } = cluster.settings;
    const others = (): number[] => [...cluster.nodes.keys()];
    const everyLink = (act: (other: number) => void): void => others().forEach(act);
    return [
      (node) => this.#crash(node),
      () => {
        for (const each of cluster.running) if (random.chance(0.5)) this.#crash(each);
      },
      (node) =>
        void (node.crashAt = random.pick(['before-write', 'after-write', 'after-answers', 'after-apply'])),
      (node) => node.pause(random.float() * electionTicks * 4, random.chance(0.5)),
      (node) => node.isPaused || node.stepClock(random.below(electionTicks * 3)),
      (node) => void (node.rate = 1 + (random.float() * 2 - 1) * cluster.settings.drift),
      (node) => cluster.network.cut(node.id, random.pick(others())),
      (node) => everyLink((other) => cluster.network.cut(other, node.id)),
      (node) => everyLink((other) => cluster.network.cut(node.id, other)),
      () => {
        const left = others().filter(() => random.chance(0.5));
        cluster.network.split(
          left,
          others().filter((id) => !left.includes(id)),
        );
      },
      (node) => cluster.network.clog(node.id, random.pick(others()), random.float() * electionTicks * 3),
      () => cluster.network.heal(),
      () => cluster.network.heal(),
      () => void (cluster.network.weather = drawWeather(random)),
      (node) => void (node.disk.fullUntil = cluster.now + random.float() * electionTicks * 4),
      (node) => void (node.disk.failingUntil = cluster.now + random.float() * electionTicks * 2),
      (node) => this.#damage(node),
      (node) => {
        if (node.member === null) return;
        node.takeSnapshot();
        node.compact(node.registers.applied - random.below(4));
      },
      (node) => node.ask((member) => member.transferLeader(peerId(random.pick(others())))),
      () => cluster.leader?.ask((member) => member.transferLeader(peerId(random.pick(others())))),
      (node) => node.ask((member) => member.forgetLeader()),
      (node) => node.ask((member) => member.campaign()),
      () => this.#changeMembership(),
      () => this.#changeMembership(),
      () => this.#changeMembership(),
    ];
  }

  #crash(node: SimNode): void {
    const mayLose = this.#canLose(node.id);
    this.#cluster.crash(node.id, { mayTear: mayLose });
    if (mayLose && !node.quarantined && this.#liar.chance(node.disk.habits.losesEnd)) this.#loseEnd(node);
    node.downUntil = this.#cluster.now + this.#random.float() * this.#cluster.settings.electionTicks * 4;
  }

  #loseEnd(node: SimNode): void {
    node.disk.loseEnd(1 + this.#liar.below(this.#liar.pick([1, 3, 20])));
  }

  /** A disk may only be lost while enough good copies remain, or the run would prove nothing. */
  #damage(node: SimNode): void {
    if (node.quarantined || !this.#canLose(node.id)) return;
    this.#crash(node);
    if (this.#liar.chance(0.4)) this.#loseEnd(node);
    else node.disk.spoil();
    this.#cluster.start(node.id);
  }

  /** In every membership that may count, now or by an entry that is not applied everywhere, a quorum is left without it. */
  #canLose(...ids: readonly number[]): boolean {
    const memberships = this.#possibleMemberships();
    return (
      memberships?.every(({ voters, votersOutgoing }) =>
        [voters, votersOutgoing].every((half) => {
          const left = half.filter((id) => !ids.includes(id) && !this.#cluster.node(id).isImpaired);
          return half.length === 0 || left.length >= majoritySize(half.length);
        }),
      ) ?? false
    );
  }

  /** Undefined while a change is in a log and not applied: what it leads to is not worked out here. */
  #possibleMemberships(): MembershipRecord[] | undefined {
    const found = [this.#cluster.newest.membership];
    for (const { disk, registers, member, view } of this.#cluster.nodes.values()) {
      if (member !== null && view!.log.unstable.entries.some(({ kind }) => isChangeKind(kind)))
        return undefined;
      if (disk.mayHoldChange) return undefined;
      found.push(disk.registers.membership, registers.membership);
      const { log } = disk;
      const first = Math.max(log.firstIndex(), this.#cluster.newest.index + 1);
      for (let index = first; index <= log.lastIndex(); index++)
        if (isChangeKind(log.entries(index, index + 1, Infinity)![0]!.kind)) return undefined;
    }
    return found;
  }

  /** An operator's doing: a new member as a learner, a promotion, a removal, or several at once through a joint phase. */
  #changeMembership(): void {
    const cluster = this.#cluster;
    const random = this.#random;
    const { voters, votersOutgoing, learners, autoLeave } = cluster.newest.membership;
    const node = random.chance(0.8) ? cluster.leader : random.pick([...cluster.nodes.values()]);
    if (node === undefined) return;
    if (votersOutgoing.length > 0 && !autoLeave) {
      node.ask((member) => member.proposeChange(leaveJoint));
      return;
    }
    const steps: ChangeStep[] = [];
    const count = random.pick([1, 1, 1, 2, 3]);
    for (let at = 0; at < count; at++) {
      const roll = random.below(4);
      if (roll === 0 && cluster.nodes.size < nodesMax) {
        const added = cluster.add();
        cluster.start(added.id);
        steps.push({ action: random.chance(0.7) ? 'add-learner' : 'add-voter', peer: added.id });
      } else if (roll === 1 && learners.length > 0) {
        const peer = random.pick(learners);
        if (!cluster.node(peer).quarantined) steps.push({ action: 'add-voter', peer });
      } else {
        const peer = random.pick([...voters, ...learners]);
        // A damaged one goes first.
        const dead = [...voters, ...learners].find((id) => cluster.node(id).quarantined);
        steps.push({
          action: roll === 2 && dead === undefined ? 'add-learner' : 'remove',
          peer: dead ?? peer,
        });
      }
    }
    const transition = random.pick(['auto', 'auto', 'implicit', 'explicit'] as const);
    if (steps.length === 0 || !this.#leavesQuorum(steps)) return;
    const form = steps.length === 1 && transition === 'auto' && random.chance(0.5) ? 'single' : 'general';
    node.ask((member) => member.proposeChange({ form, transition, steps, context: noData }));
  }

  #leavesQuorum(steps: readonly ChangeStep[]): boolean {
    const after = new Set<number>(this.#cluster.newest.membership.voters);
    for (const { action, peer } of steps) {
      if (action === 'add-voter') after.add(peer);
      else after.delete(peer);
    }
    const alive = [...after].filter((id) => !this.#cluster.node(id).isImpaired);
    return after.size > 0 && after.size <= 9 && alive.length >= majoritySize(after.size);
  }

  /** All faults end, for a quorum at least; then it must serve, agree, and answer everybody. */
  #heal(): number {
    const cluster = this.#cluster;
    const random = this.#random;
    cluster.network.heal();
    cluster.network.weather = calm;
    const frozen: number[] = [];
    for (const id of cluster.nodes.keys())
      if (random.chance(0.3) && this.#canLose(...frozen, id)) frozen.push(id);
    for (const node of cluster.nodes.values()) {
      node.disk.fullUntil = 0;
      node.disk.failingUntil = 0;
      node.disk.habits = quickDisk;
      node.rate = 1;
      node.applyMax = calmApplyMax;
      node.crashAt = null;
      if (frozen.includes(node.id)) {
        cluster.crash(node.id);
        node.downUntil = Infinity;
      } else node.downUntil = Math.min(node.downUntil, cluster.now);
    }
    const { electionTicks, guarded } = cluster.settings;
    const elections = guarded ? patienceElections : unguardedElections;
    const patience = Math.max(patienceTicksMin, elections * electionTicks);
    // A change on its way to a leader could take away the quorum that is to serve.
    cluster.network.filter = (message) =>
      message.type === 'propose' && message.entries.some(({ kind }) => isChangeKind(kind));
    const from = cluster.now;
    const core = (): SimNode[] =>
      [...cluster.nodes.values()].filter(
        ({ id, quarantined }) => !quarantined && !frozen.includes(id) && cluster.isMember(id),
      );
    for (let tick = 0; tick < patience; tick++) {
      this.#restart(1);
      this.#clients.tick(tick < 20);
      const { leader } = cluster;
      const { votersOutgoing, autoLeave } = cluster.newest.membership;
      if (leader !== undefined && votersOutgoing.length > 0 && !autoLeave && tick % 20 === 0)
        leader.ask((member) => member.proposeChange(leaveJoint));
      // One that stays on when it is removed can be asked to hand over, and to nothing else.
      if (leader !== undefined && !cluster.isMember(leader.id) && tick % 20 === 10)
        leader.ask((member) => member.transferLeader(random.pick(cluster.newest.membership.voters)));
      cluster.run(1);
      if (tick < 40 || tick % 5 > 0) continue;
      if (this.#isOfOneMind(core())) {
        this.#clients.finish();
        return cluster.now - from;
      }
    }
    throw new Error(
      `not of one mind ${patience} ticks after the last fault: ${describe([...cluster.nodes.values()], frozen)}`,
    );
  }

  #isOfOneMind(core: readonly SimNode[]): boolean {
    const { leader, newest } = this.#cluster;
    if (leader === undefined || newest.membership.votersOutgoing.length > 0) return false;
    const { term, log } = leader.view!;
    const last = log.lastIndex();
    return (
      log.committed === last &&
      log.term(last) === term &&
      core.every((node) => node.view?.term === term && node.registers.applied === last)
    );
  }
}

const describe = (nodes: readonly SimNode[], frozen: readonly number[]): string =>
  nodes
    .map((node) => {
      const { id, view, registers, quarantined } = node;
      const { voters, votersOutgoing, learners } = registers.membership;
      const members = `voters ${voters.join('+')}${votersOutgoing.length > 0 ? ` and ${votersOutgoing.join('+')}` : ''}, learners ${learners.join('+')}`;
      if (frozen.includes(id)) return `${id} frozen`;
      if (node.member === null) return `${id} ${quarantined ? 'damaged' : 'down'}`;
      const { role, term, log } = view!;
      const doubt = node.disk.doubt === 0 ? '' : `, in doubt to ${node.disk.doubt}`;
      return `${id} ${role} of term ${term}, applied ${registers.applied} of ${log.committed} of ${log.lastIndex()}, ${members}${doubt}`;
    })
    .join('; ');
