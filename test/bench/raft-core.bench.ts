import { Prng } from '#agent/base/prng.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import type { Bench, BenchResult } from './bench.ts';

const entryBytes = 64;
const measureMillis = 2_000;
/** Entries kept in memory, as a host compacts. */
const keptEntries = 16_384;

export const benches: readonly Bench[] = [{ name: 'raft core', run: () => [throughput(1), throughput(64)] }];

/** A member with a log in memory, its state machine counting. */
class Host {
  readonly member: RaftMember;
  readonly #log = new MemoryLog();
  applied = 0;

  constructor(id: number, ids: readonly number[]) {
    const voters = ids.map((each) => peerId(each));
    const membership = { ...emptyRecord, voters };
    this.#log.applySnapshot({ id: { index: 1, term: 1 }, membership, data: new Uint8Array(0) });
    this.#log.setHardState({ term: 1, vote: peerId(0), commit: 1 });
    this.member = new RaftMember({
      id: peerId(id),
      log: this.#log,
      entropy: new Prng(id),
      electionTicks: 10,
      heartbeatTicks: 1,
    });
  }

  /** Carries out what there is to do, and gives what is to be sent. */
  work(out: PeerMessage[]): void {
    const { member } = this;
    while (member.hasReady) {
      const { hardState, entries, committed, messages, answers } = member.ready();
      if (hardState !== null) this.#log.setHardState(hardState);
      if (entries.length > 0) this.#log.append(entries);
      for (const message of messages) out.push(message);
      for (const answer of answers) out.push(answer);
      this.applied += committed.length;
      member.advance();
      this.#compact(committed.at(-1)?.index ?? 0);
    }
  }

  #compact(applied: number): void {
    if (applied - this.#log.firstIndex() < 2 * keptEntries) return;
    const index = applied - keptEntries;
    const { membership } = this.#log.snapshot();
    this.#log.keepSnapshot({
      id: { index, term: this.#log.term(index)! },
      membership,
      data: new Uint8Array(0),
    });
    this.#log.compact(index);
  }
}

/** Entries a second that all three have applied, everything in one thread, so many to a proposal and eight proposals under way. */
function throughput(batch: number): BenchResult {
  const ids = [1, 2, 3];
  const hosts = new Map(ids.map((id) => [id, new Host(id, ids)]));
  const leader = hosts.get(1)!;
  const settle = (): void => {
    for (;;) {
      const mail: PeerMessage[] = [];
      for (const host of hosts.values()) host.work(mail);
      if (mail.length === 0) return;
      for (const message of mail) hosts.get(message.to)!.member.step(message);
    }
  };
  leader.member.campaign();
  settle();
  const data = Array.from({ length: batch }, (_, at) => new Uint8Array(entryBytes).fill(at));
  const round = (): void => {
    for (let at = 0; at < 8; at++)
      if (!leader.member.proposeAll(data).taken) throw new Error('a proposal is refused');
    settle();
  };
  for (let at = 0; at < 200; at++) round();
  const before = hosts.get(3)!.applied;
  const start = performance.now();
  while (performance.now() - start < measureMillis) round();
  const seconds = (performance.now() - start) / 1_000;
  const figure = Math.round((hosts.get(3)!.applied - before) / seconds);
  return {
    name: `raft core, 3 members in memory, ${batch === 1 ? 'entries one by one' : `batches of ${batch}`}`,
    figure,
    unit: 'entries/s',
    ...(batch === 1 ? {} : { budget: 200_000 }),
    note: `one thread carries all three; ${entryBytes} bytes an entry, applied by every member`,
  };
}
