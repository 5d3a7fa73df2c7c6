import { assert } from '#agent/base/assert.ts';
import { noData } from '#agent/mesh/raft/entry.ts';
import { leaveJoint, type ChangeStep, type Transition } from '#agent/mesh/raft/membership/change.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { judge, type Operation, type Verdict } from '#test/simulation/linearizability/checker.ts';
import {
  nobodyKnows,
  registerModel,
  type RegisterCall,
  type RegisterResult,
} from '#test/simulation/linearizability/register.ts';
import { Cluster } from '#test/simulation/raft/cluster.ts';
import { SimDisk } from '#test/simulation/raft/disk.ts';
import type { Command } from '#test/simulation/raft/command.ts';
import type { SimNode } from '#test/simulation/raft/node.ts';
import { unset } from '#test/simulation/raft/registers.ts';
import type { SimSettings } from '#test/simulation/raft/settings.ts';

/** Long enough for anything that does not wait for a fault to end. */
const patience = 400;

interface WriteAnswer {
  readonly command: Command;
  /** Its place in the record. */
  readonly at: number;
  /** Refused at once: it is in no log. */
  readonly wasTaken: boolean;
  /** Null: not answered. */
  readonly took: boolean | null;
}

/** A group in the simulator, led by a script instead of a seed; its invariants are watched all the same. */
export class Story {
  readonly cluster: Cluster;
  readonly record: Operation<RegisterCall, RegisterResult>[] = [];
  #contexts = 0;

  constructor(settings: Partial<SimSettings> = {}, seed = 1) {
    this.cluster = new Cluster({ seed, settings }).startAll();
  }

  node(id: number): SimNode {
    return this.cluster.node(id);
  }

  /** For what only the stand-in can do. */
  plainDisk(id: number): SimDisk {
    const { disk } = this.node(id);
    assert(disk instanceof SimDisk, `the disk of ${id} is the stand-in`);
    return disk;
  }

  run(ticks: number): void {
    this.cluster.run(ticks);
  }

  /** Ticks it took. @throws when it does not come about. */
  until(what: string, isSo: () => boolean, ticksMax = patience): number {
    const ticks = this.cluster.runUntil(isSo, ticksMax);
    assert(ticks !== Infinity, `${what}, within ${ticksMax} ticks`);
    return ticks;
  }

  /** Makes `id` the leader of everybody that hears it. */
  elect(id: number): SimNode {
    const node = this.node(id);
    this.until(`${id} leads`, () => {
      if (node.isLeader && this.cluster.leader === node) return true;
      const leader = this.cluster.leader;
      if (leader === undefined) {
        if (node.view!.role === 'follower') node.ask((member) => member.campaign());
      } else leader.ask((member) => member.transferLeader(node.id));
      return false;
    });
    this.until(`${id} commits in its term`, () => {
      const { log, term } = node.view!;
      return log.term(log.committed) === term;
    });
    return node;
  }

  /** Asks `id` to write; what became of it is in the record and in the answer. */
  put(id: number, value: number, register = 1): WriteAnswer {
    return this.#ask(id, { kind: 'put', register, value, expected: unset });
  }

  /** Asks `id` to write where it finds `expected`. */
  swap(id: number, expected: number, value: number, register = 1): WriteAnswer {
    return this.#ask(id, { kind: 'swap', register, value, expected });
  }

  /** Asks `id` the same once more, as a client does that was not answered: it may take effect once. */
  repeat(asked: WriteAnswer, id: number): WriteAnswer {
    return this.#send(id, asked.command, asked.at);
  }

  #ask(id: number, call: RegisterCall): WriteAnswer {
    const { kind, register: key, value, expected } = call;
    assert(kind !== 'read', 'a write is asked');
    const at = this.record.length;
    this.record.push({ call, calledAt: this.cluster.nextOrder(), result: nobodyKnows, returnedAt: Infinity });
    const answer = this.#send(id, { client: 1_000 + at, seq: 1, key, kind, value, expected }, at);
    // Refused is not done: what stays in the record explains nothing and asks nothing.
    if (!answer.wasTaken) this.record[at] = { ...this.record[at]!, call: { ...call, kind: 'read' } };
    return answer;
  }

  #send(id: number, command: Command, at: number): WriteAnswer {
    const answer = { command, at, wasTaken: false, took: null as boolean | null };
    const outcome = this.node(id).propose(command, (took) => {
      answer.took = took;
      const result = { value: null, took };
      this.record[at] = { ...this.record[at]!, result, returnedAt: this.cluster.nextOrder() };
    });
    answer.wasTaken = outcome?.taken === true;
    return answer;
  }

  /** Writes, and waits until it is answered. */
  write(id: number, value: number, register = 1): void {
    const answer = this.put(id, value, register);
    assert(answer.wasTaken, `${id} takes a proposal`);
    this.until(`${value} is written at ${id}`, () => answer.took !== null);
  }

  /** Asks `id` for a linearizable read. */
  ask(id: number, register = 1): { value: number | null; readonly wasTaken: boolean } {
    const calledAt = this.cluster.nextOrder();
    const answer: { value: number | null; wasTaken: boolean } = { value: null, wasTaken: false };
    const outcome = this.node(id).read(++this.#contexts, {
      key: register,
      done: (value) => {
        answer.value = value;
        const call: RegisterCall = { kind: 'read', register, value: 0, expected: 0 };
        this.record.push({
          call,
          calledAt,
          result: { value, took: null },
          returnedAt: this.cluster.nextOrder(),
        });
      },
    });
    answer.wasTaken = outcome?.taken === true;
    return answer;
  }

  read(id: number, register = 1): number {
    const answer = this.ask(id, register);
    assert(answer.wasTaken, `${id} takes a read`);
    this.until(`${id} answers a read`, () => answer.value !== null);
    return answer.value!;
  }

  change(id: number, steps: readonly ChangeStep[], transition: Transition = 'auto'): void {
    const change = { form: 'general', transition, steps, context: noData } as const;
    this.node(id).ask((member) => member.proposeChange(change));
  }

  leave(id: number): void {
    this.node(id).ask((member) => member.proposeChange(leaveJoint));
  }

  /** A new process joins, first as a learner, and stays one. */
  addLearner(leader: number): number {
    const { id } = this.cluster.add();
    this.cluster.start(id);
    this.change(leader, [{ action: 'add-learner', peer: id }]);
    this.until(`${id} follows`, () => this.node(id).registers.applied >= this.node(leader).registers.applied);
    return id;
  }

  promote(leader: number, id: number): void {
    this.change(leader, [addVoter(id)]);
    this.until(`${id} votes`, () => this.node(leader).registers.membership.voters.includes(peerId(id)));
  }

  /** Nobody hears `id`, and it hears nobody. */
  isolate(...ids: readonly number[]): void {
    const others = [...this.cluster.nodes.keys()].filter((id) => !ids.includes(id));
    this.cluster.network.split(ids, others);
  }

  heal(): void {
    this.cluster.network.heal();
  }

  crash(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.crash(id);
  }

  start(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.start(id);
  }

  /** Everybody's role and term, for a look before and after. */
  get reign(): string {
    const { leader } = this.cluster;
    return leader === undefined ? 'nobody' : `${leader.id} in term ${leader.view!.term}`;
  }

  restart(id: number): void {
    this.cluster.crash(id);
    this.cluster.start(id);
  }

  /** Somebody leads, and has committed in its term. */
  anyLeader(): SimNode {
    this.until('somebody leads', () => {
      const { leader } = this.cluster;
      if (leader === undefined) return false;
      const { log, term } = leader.view!;
      return log.term(log.committed) === term;
    });
    return this.cluster.leader!;
  }

  /** One leader, and all running members hold and have applied the same. */
  converge(ticksMax = patience): SimNode {
    this.until(
      'all are of one mind',
      () => {
        const { leader, running } = this.cluster;
        if (leader === undefined) return false;
        const { term, log } = leader.view!;
        return running
          .filter(({ id }) => this.cluster.isMember(id))
          .every((node) => node.view!.term === term && node.registers.applied === log.lastIndex());
      },
      ticksMax,
    );
    return this.cluster.leader!;
  }

  get verdict(): Verdict {
    return judge(registerModel(unset), this.record).verdict;
  }
}

export const remove = (id: number): ChangeStep => ({ action: 'remove', peer: peerId(id) });
export const addVoter = (id: number): ChangeStep => ({ action: 'add-voter', peer: peerId(id) });
export const addLearner = (id: number): ChangeStep => ({ action: 'add-learner', peer: peerId(id) });
