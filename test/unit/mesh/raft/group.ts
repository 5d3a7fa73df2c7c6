import { Prng } from '#agent/base/prng.ts';
import { isChangeKind, type Entry, type EntryId } from '#agent/mesh/raft/entry.ts';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import { decodeChange } from '#agent/mesh/raft/membership/change.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import type { Note } from '#agent/mesh/raft/note.ts';
import type { RaftOptions } from '#agent/mesh/raft/options.ts';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { ReadState } from '#agent/mesh/raft/read-queue.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
export const ids = (count: number): PeerId[] => Array.from({ length: count }, (_, at) => peerId(at + 1));

/** Entries 1, 2, 3 … with these terms. */
export const entriesOf = (...terms: readonly number[]): Entry[] =>
  terms.map((term, at) => ({ term, index: at + 1, kind: 'normal', data: bytes(`${at + 1}`) }));

export interface HostOptions extends Partial<Omit<RaftOptions, 'id' | 'log'>> {
  readonly id?: number;
  readonly voters?: readonly PeerId[];
  readonly learners?: readonly PeerId[];
  readonly entries?: readonly Entry[];
  readonly hardState?: HardState;
  readonly seed?: number;
}

/** A member on a disk that writes at once, and a state machine that keeps what it is given. */
export class Host {
  readonly log = new MemoryLog();
  readonly member: RaftMember;
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];
  readonly notes: Note['kind'][] = [];

  constructor(options: HostOptions = {}) {
    const { id = 1, voters = ids(3), learners = [], entries = [], hardState, seed = 1, ...rest } = options;
    this.log.applySnapshot({
      id: logStart,
      membership: { ...emptyRecord, voters, learners },
      data: bytes(''),
    });
    this.log.append(entries);
    if (hardState !== undefined) this.log.setHardState(hardState);
    this.member = new RaftMember({
      entropy: new Prng(seed + id),
      electionTicks: 10,
      heartbeatTicks: 1,
      preVote: false,
      checkQuorum: false,
      observe: (note) => this.notes.push(note.kind),
      ...rest,
      id: peerId(id),
      log: this.log,
    });
  }

  /** Carries every effect out until there is none, and gives what is to be sent. */
  flush(): PeerMessage[] {
    const sent: PeerMessage[] = [];
    while (this.member.hasReady) {
      const ready = this.member.ready();
      sent.push(...ready.messages);
      if (ready.hardState !== null) this.log.setHardState(ready.hardState);
      if (ready.snapshot !== null) this.log.applySnapshot(ready.snapshot);
      this.log.append(ready.entries);
      sent.push(...ready.answers);
      for (const entry of ready.committed) {
        this.applied.push(entry);
        if (isChangeKind(entry.kind)) this.member.applyChange(decodeChange(entry.kind, entry.data)!);
      }
      this.reads.push(...ready.readStates);
      this.member.advance();
    }
    return sent;
  }

  step(message: PeerMessage): PeerMessage[] {
    this.member.step(message);
    return this.flush();
  }

  tick(count = 1): PeerMessage[] {
    const sent: PeerMessage[] = [];
    for (let at = 0; at < count; at++) {
      this.member.tick();
      sent.push(...this.flush());
    }
    return sent;
  }

  get role(): string {
    return this.member.status().softState.role;
  }
  get lead(): number {
    return this.member.status().softState.lead;
  }
  get term(): number {
    return this.member.status().hardState.term;
  }
  get commit(): number {
    return this.member.status().hardState.commit;
  }
  get terms(): number[] {
    return this.log
      .entries(this.log.firstIndex(), this.log.lastIndex() + 1, Infinity)!
      .map(({ term }) => term);
  }
  get last(): EntryId {
    const index = this.log.lastIndex();
    return { index, term: this.log.term(index)! };
  }
}

/** Hosts and the network between them; messages arrive in order, unless a link is cut. */
export class Group {
  readonly hosts: readonly Host[];
  /** `from>to` of links that lose everything. */
  readonly cut = new Set<string>();
  readonly trace: PeerMessage[] = [];

  constructor(options: readonly HostOptions[]) {
    this.hosts = options.map((option, at) => new Host({ id: at + 1, ...option }));
  }

  static of(count: number, options: HostOptions = {}): Group {
    return new Group(ids(count).map(() => ({ voters: ids(count), ...options })));
  }

  host(id: number): Host {
    return this.hosts[id - 1]!;
  }

  isolate(id: number): void {
    for (const other of this.hosts) {
      this.cut.add(`${id}>${other.member.id}`);
      this.cut.add(`${other.member.id}>${id}`);
    }
  }

  heal(): void {
    this.cut.clear();
  }

  /** Delivers until nothing moves. */
  settle(): void {
    let queue = this.hosts.flatMap((host) => host.flush());
    for (let round = 0; queue.length > 0; round++) {
      if (round > 1_000) throw new Error('the group does not settle');
      const arriving = queue.filter(({ from, to }) => !this.cut.has(`${from}>${to}`));
      this.trace.push(...arriving);
      queue = arriving.flatMap((message) => this.hosts[message.to - 1]?.step(message) ?? []);
    }
  }

  elect(id: number): Host {
    this.host(id).member.campaign();
    this.settle();
    return this.host(id);
  }

  propose(id: number, data: string): void {
    this.host(id).member.propose(bytes(data));
    this.settle();
  }

  tick(id: number, count = 1): void {
    for (let at = 0; at < count; at++) {
      this.host(id).member.tick();
      this.settle();
    }
  }
}
