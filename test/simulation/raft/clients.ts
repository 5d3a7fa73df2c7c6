import { Prng } from '#agent/base/prng.ts';
import type { Operation } from '../linearizability/checker.ts';
import { nobodyKnows, type RegisterCall, type RegisterResult } from '../linearizability/register.ts';
import type { Cluster } from './cluster.ts';
import type { Command } from './command.ts';
import type { SimNode } from './node.ts';

export interface ClientHabits {
  readonly clients: number;
  readonly registers: number;
  /** Probability per tick that an idle client asks something. */
  readonly eagerness: number;
  readonly reads: number;
  readonly swaps: number;
  /** A client gives up after so many ticks. */
  readonly patience: number;
  /** Probability per tick that a waiting client asks again, elsewhere, in the same words. */
  readonly insistence: number;
}

interface Running {
  readonly call: RegisterCall;
  readonly calledAt: number;
  readonly since: number;
  readonly command: Command | null;
  /** Some member has taken it: from now on it may take effect. */
  wasTaken: boolean;
}

interface Client {
  /** A new one after every request that was given up: nobody may mistake the next for it. */
  name: number;
  seq: number;
  running: Running | null;
  /** What it believes is in each register, to swap against. */
  readonly believed: Map<number, number>;
}

/**
 * Clients that keep a record of what they asked and were told. What times out may have happened, or happen yet; what was refused
 * has not and will not; a read that times out tells nothing.
 */
export class Clients {
  readonly record: Operation<RegisterCall, RegisterResult>[] = [];
  readonly #cluster: Cluster;
  readonly #random: Prng;
  readonly #habits: ClientHabits;
  readonly #clients: Client[];
  #names = 0;
  #values = 0;
  #contexts = 0;
  acknowledged = 0;

  constructor(cluster: Cluster, seed: number, habits: ClientHabits) {
    this.#cluster = cluster;
    this.#random = new Prng(seed);
    this.#habits = habits;
    this.#clients = Array.from({ length: habits.clients }, () => ({
      name: ++this.#names,
      seq: 0,
      running: null,
      believed: new Map<number, number>(),
    }));
  }

  /** One tick of all. @param areAsking idle ones ask; else they only wait for what they have asked */
  tick(areAsking: boolean): void {
    for (const client of this.#clients) {
      const { running } = client;
      if (running === null) {
        if (areAsking && this.#random.chance(this.#habits.eagerness)) this.#ask(client);
      } else if (this.#cluster.now - running.since > this.#habits.patience) this.#giveUp(client, running);
      else if (this.#random.chance(this.#habits.insistence)) this.#send(client, running);
    }
  }

  get areWaiting(): boolean {
    return this.#clients.some(({ running }) => running !== null);
  }

  /** Nobody is answered any more. */
  finish(): void {
    for (const client of this.#clients) if (client.running !== null) this.#giveUp(client, client.running);
  }

  #ask(client: Client): void {
    const { registers, reads, swaps } = this.#habits;
    const register = this.#random.below(registers);
    const roll = this.#random.float();
    const kind = roll < reads ? 'read' : roll < reads + swaps ? 'swap' : 'put';
    const expected = client.believed.get(register) ?? 0;
    const value = kind === 'read' ? 0 : ++this.#values;
    const seq = ++client.seq;
    client.running = {
      call: { kind, register, value, expected },
      calledAt: this.#cluster.nextOrder(),
      since: this.#cluster.now,
      command: kind === 'read' ? null : { client: client.name, seq, key: register, kind, value, expected },
      wasTaken: false,
    };
    this.#send(client, client.running);
  }

  #send(client: Client, running: Running): void {
    const node = this.#random.pick(this.#whomToAsk());
    if (running.command === null) return this.#read(client, running, node);
    const outcome = node.propose(running.command, (took) =>
      this.#answered(client, running, { value: null, took }),
    );
    if (outcome?.taken === true) running.wasTaken = true;
    else if (!running.wasTaken && client.running === running) client.running = null;
  }

  /** Often those who believe that they lead, the deposed among them: there the stale reads are. */
  #whomToAsk(): SimNode[] {
    const nodes = [...this.#cluster.nodes.values()];
    const leaders = this.#random.chance(0.5) ? nodes.filter(({ isLeader }) => isLeader) : [];
    return leaders.length > 0 ? leaders : nodes;
  }

  #read(client: Client, running: Running, node: SimNode): void {
    const { register } = running.call;
    const context = ++this.#contexts;
    const outcome = node.read(context, {
      key: register,
      done: (value) => this.#answered(client, running, { value, took: null }),
    });
    if (outcome?.taken === true) running.wasTaken = true;
    else if (!running.wasTaken && client.running === running) client.running = null;
  }

  #answered(client: Client, running: Running, result: RegisterResult): void {
    if (client.running !== running) return;
    const { call, calledAt } = running;
    client.running = null;
    this.acknowledged++;
    this.record.push({ call, result, calledAt, returnedAt: this.#cluster.nextOrder() });
    if (result.value !== null) client.believed.set(call.register, result.value);
    else if (result.took === true) client.believed.set(call.register, call.value);
  }

  #giveUp(client: Client, running: Running): void {
    const { call, calledAt, wasTaken } = running;
    client.running = null;
    if (call.kind === 'read' || !wasTaken) return;
    this.record.push({ call, result: nobodyKnows, calledAt, returnedAt: Infinity });
    client.name = ++this.#names;
    client.seq = 0;
  }
}
