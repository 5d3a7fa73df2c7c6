import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogReport } from '#agent/mesh/raft-log/port.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import type { Response } from '#agent/mesh/raft/message.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { SimulatedLogDevice } from '#test/simulation/raft-log/simulated-log-device.ts';
import { SimulatedRaftLog } from '#test/simulation/raft-log/simulated-raft-log.ts';
import { snapshotAt, state } from './storage-compliance.ts';

/** The smallest host there is: a group of one, whose state is what its log makes it apply. */
class Host {
  readonly device: SimulatedLogDevice;
  readonly applied: string[] = [];
  member: RaftMember | null = null;
  lives = 0;
  readonly #chance: Prng;
  #log: SimulatedRaftLog;
  readonly #reports: LogReport[] = [];
  readonly #underWay = new Map<number, readonly Response[]>();
  #nowMs = 0;
  #nextId = 1;

  constructor(seed: number) {
    this.#chance = new Prng(seed);
    this.device = new SimulatedLogDevice(this.#chance);
    const store = new LogStore(this.device);
    store.open();
    const snapshot = snapshotAt(1, 1);
    const first = { ...snapshot, membership: { ...snapshot.membership, voters: [peerId(1)] } };
    store.write([{ kind: 'append', id: 1, hardState: state(1, 0, 1), entries: [], snapshot: first }]);
    this.#log = this.#boot();
  }

  crash(): void {
    this.#log.crash({ powerCut: true });
    this.member = null;
    this.#reports.length = 0;
    this.#log = this.#boot();
  }

  /** One tick of 100 ms. */
  tick(): void {
    this.#nowMs += 100;
    this.#log.advance();
    for (const report of this.#reports.splice(0)) this.#take(report);
    this.member?.tick();
    while (this.member?.hasReady === true) this.#carryOut(this.member);
  }

  #boot(): SimulatedRaftLog {
    const log = new SimulatedRaftLog({
      device: this.device,
      chance: this.#chance,
      now: () => this.#nowMs,
      latencyMs: () => this.#chance.below(300),
    });
    log.start((report) => void this.#reports.push(report));
    return log;
  }

  #take(report: LogReport): void {
    if (report.kind === 'ready') this.#live();
    else if (report.kind === 'lost') this.member = null;
    else if (report.kind === 'done') {
      for (const response of this.#underWay.get(report.id) ?? []) this.member?.step(response);
      this.#underWay.delete(report.id);
    } else throw new Error(JSON.stringify(report));
  }

  #live(): void {
    this.lives++;
    this.applied.length = 0;
    this.#underWay.clear();
    const [log, entropy] = [this.#log.reader, this.#chance];
    this.member = new RaftMember({
      id: peerId(1),
      log,
      entropy,
      electionTicks: 5,
      heartbeatTicks: 1,
      asyncStorage: true,
    });
  }

  #carryOut(member: RaftMember): void {
    const { append, apply } = member.ready();
    if (append !== null) {
      const id = this.#nextId++;
      const { hardState, entries, snapshot, responses } = append;
      this.#underWay.set(id, responses);
      this.#log.submit({ kind: 'append', id, hardState, entries, snapshot });
    }
    if (apply === null) return;
    for (const { data } of apply.entries)
      if (data.length > 0) this.applied.push(new TextDecoder().decode(data));
    for (const response of apply.responses) member.step(response);
  }
}

test('what a member over the log applied it applies again, through crashes and a disk that fails', () => {
  let [lives, applied] = [0, 0];
  for (let seed = 1; seed <= 20; seed++) {
    const host = new Host(seed);
    const chance = new Prng(seed + 1_000);
    let seen: string[] = [];
    for (let step = 0; step < 600; step++) {
      if (chance.chance(0.3)) host.member?.propose(new TextEncoder().encode(`${step}`));
      if (chance.chance(0.01)) host.crash();
      if (chance.chance(0.02)) host.device.faults.failing = chance.chance(0.4);
      if (chance.chance(0.02)) host.device.faults.full = chance.chance(0.4);
      host.tick();
      const common = Math.min(seen.length, host.applied.length);
      expect(host.applied.slice(0, common)).toEqual(seen.slice(0, common));
      if (host.applied.length > seen.length) seen = [...host.applied];
    }
    host.device.faults.failing = false;
    host.device.faults.full = false;
    for (let step = 0; step < 300 && host.applied.length < seen.length; step++) host.tick();
    expect(host.applied.slice(0, seen.length)).toEqual(seen);
    applied += seen.length;
    lives += host.lives;
  }
  expect(lives).toBeGreaterThan(100);
  expect(applied).toBeGreaterThan(500);
});
