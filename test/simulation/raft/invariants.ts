import { assert } from '#agent/base/assert.ts';
import type { Entry, LogIndex, Term } from '#agent/mesh/raft/entry.ts';
import { isJoint, type Membership } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import { majoritySize } from '#agent/mesh/raft/quorum/majority.ts';
import type { Write } from './member-disk.ts';
import type { SimNode } from './node.ts';

/** What one life of one member has shown so far. */
interface Seen {
  term: Term;
  vote: PeerId;
  commit: LogIndex;
  applied: LogIndex;
  role: string;
}

const idKey = (index: LogIndex, term: Term): number => term * 0x1000000 + index;

/**
 * What must hold whatever happens (Raft §5, figure 3, and the persistence rules of agent/mesh/raft/README.md), looked at after
 * everything any member does, over the durable logs of the dead too. A broken one ends the run.
 */
export class Invariants {
  readonly #nodes: ReadonlyMap<number, SimNode>;
  readonly #seen = new Map<SimNode, Seen>();
  /** Who has led in a term. */
  readonly #leaders = new Map<Term, PeerId>();
  /** Whom a member has told that it has its vote: `term,voter`. */
  readonly #votes = new Map<string, PeerId>();
  /** By index and term: the term before it, and a digest of its data. */
  readonly #entries = new Map<number, { readonly before: Term; readonly digest: number }>();
  /** Terms of what is committed; [0] stands before the first. */
  readonly committed: Term[] = [0];
  /** By index: the term of the leader that committed it, at or above the entry's own. */
  readonly #committedIn: Term[] = [0];

  constructor(nodes: ReadonlyMap<number, SimNode>) {
    this.#nodes = nodes;
  }

  /** The bootstrap, that all begin with. */
  begin(index: LogIndex, term: Term): void {
    while (this.committed.length <= index) this.#commit(term, term);
  }

  #commit(term: Term, by: Term): void {
    this.committed.push(term);
    this.#committedIn.push(by);
  }

  /** A new life begins with what the disk remembers. */
  started(node: SimNode): void {
    this.#seen.delete(node);
  }

  moved(node: SimNode): void {
    const { member, view } = node;
    if (member === null || view === null) return;
    const { term, vote, role, log } = view;
    const seen = this.#seen.get(node) ?? { term: 0, vote: noPeer, commit: 0, applied: 0, role: '' };
    this.#seen.set(node, seen);
    const commit = log.committed;
    const { applied } = log;
    assert(term >= seen.term, `${node.id}: term ${term} after ${seen.term}`);
    const keepsVote = term > seen.term || seen.vote === noPeer || vote === seen.vote;
    assert(keepsVote, `${node.id}: votes for ${vote} after ${seen.vote} in term ${term}`);
    assert(commit >= seen.commit, `${node.id}: commit ${commit} after ${seen.commit}`);
    assert(applied >= seen.applied, `${node.id}: applied ${applied} after ${seen.applied}`);
    if (role === 'leader' && (seen.role !== 'leader' || term !== seen.term)) this.#tookOffice(node);
    if (commit > seen.commit) this.#committedMore(node, seen.commit);
    seen.term = term;
    seen.vote = vote;
    seen.role = role;
    seen.commit = commit;
    seen.applied = applied;
  }

  /** Election Safety; and Leader Completeness: what leaders of lower terms have committed, it holds. */
  #tookOffice(node: SimNode): void {
    const { term, log } = node.view!;
    const other = this.#leaders.get(term);
    assert(other === undefined, `${node.id} leads in term ${term}, as ${other} did`);
    this.#leaders.set(term, node.id);
    for (let index = Math.max(1, log.firstIndex() - 1); index < this.committed.length; index++) {
      // A leader may take office late, when a higher term has committed already.
      if (this.#committedIn[index]! >= term) return;
      const own = log.term(index);
      assert(
        own === this.committed[index],
        `${node.id} leads in term ${term} with ${own} at ${index}, where ${this.committed[index]} is committed`,
      );
    }
  }

  /** What a leader commits is durable at a quorum; what others hold committed a leader has committed, and the same. */
  #committedMore(node: SimNode, before: LogIndex): void {
    const { log, role, term } = node.view!;
    const to = log.committed;
    if (to >= this.committed.length) {
      assert(role === 'leader', `${node.id}, a ${role}, holds ${to} committed; nobody has committed it`);
      assert(log.term(to) === term, `${node.id} commits ${to} of another term than its own by counting`);
      this.#isDurable(node.member!.status().membership, to, log.term(to)!, node.id);
      for (let index = this.committed.length; index <= to; index++) this.#commit(log.term(index)!, term);
    }
    for (let index = Math.max(before + 1, log.firstIndex()); index <= to; index++) {
      const own = log.term(index);
      assert(own === this.committed[index], `${node.id} holds ${own} committed at ${index}`);
    }
  }

  #isDurable(membership: Membership, index: LogIndex, term: Term, leader: PeerId): void {
    const halves = isJoint(membership) ? [membership.incoming, membership.outgoing] : [membership.incoming];
    for (const voters of halves) {
      let copies = 0;
      for (const id of voters) if (this.#nodes.get(id)?.disk.vouchesFor(index, term) === true) copies++;
      assert(
        copies >= majoritySize(voters.size),
        `${leader} commits ${index} of term ${term}, durable at ${copies} of ${voters.size}`,
      );
    }
  }

  /** Log Matching, by induction: an id names one entry, and one id before it. And nothing committed is replaced. */
  wrote(node: SimNode, write: Write): void {
    const { log, hardState } = node.disk;
    for (const entry of write.entries) {
      const known = this.#entries.get(idKey(entry.index, entry.term));
      const before = log.term(entry.index - 1) ?? 0;
      const digest = digestOf(entry);
      if (known === undefined) this.#entries.set(idKey(entry.index, entry.term), { before, digest });
      else {
        const name = `${node.id}: entry ${entry.index} of term ${entry.term}`;
        assert(entry.index === log.firstIndex() || known.before === before, `${name} after term ${before}`);
        assert(known.digest === digest, `${name} is two different ones`);
      }
    }
    assert(log.lastIndex() === 0 || hardState.term >= log.term(log.lastIndex())!, 'an entry before its term');
  }

  /** One vote a term, whatever was forgotten in a crash; and no promise before the write it rests on. */
  sent(node: SimNode, message: PeerMessage): void {
    const { disk, id } = node;
    if (message.type === 'vote-answer') {
      assert(
        message.term <= disk.hardState.term,
        `${id} answers in term ${message.term} before it is durable`,
      );
      if (!message.granted) return;
      const key = `${message.term},${id}`;
      const other = this.#votes.get(key) ?? message.to;
      assert(other === message.to, `${id} votes for ${message.to} and ${other} in term ${message.term}`);
      this.#votes.set(key, other);
      const isWritten = disk.hardState.term > message.term || disk.hardState.vote === message.to;
      assert(isWritten, `${id} tells its vote for ${message.to} before it is durable`);
    }
    if (message.type !== 'append-answer') return;
    assert(message.term <= disk.hardState.term, `${id} answers in term ${message.term} before it is durable`);
    const isPromised = message.refused === null && message.term === disk.hardState.term;
    assert(
      !isPromised || message.index <= disk.log.lastIndex(),
      `${id} promises ${message.index}, durable up to ${disk.log.lastIndex()}`,
    );
  }

  /** State Machine Safety: everybody applies what is committed, in order. */
  applied(node: SimNode, entry: Entry): void {
    const committed = this.committed[entry.index];
    assert(committed === entry.term, `${node.id} applies ${entry.index} of ${entry.term}, not ${committed}`);
    const known = this.#entries.get(idKey(entry.index, entry.term));
    assert(known?.digest === digestOf(entry), `${node.id} applies another entry at ${entry.index}`);
  }

  /** Once a tick, for all: purged ≤ snapshot; state on disk ≤ what is committed there; nothing committed is lost on disk. */
  swept(): void {
    for (const node of this.#nodes.values()) {
      const { log, registers, isImpaired, snapshot } = node.disk;
      const first = log.firstIndex();
      const last = log.lastIndex();
      assert(first - 1 <= snapshot.id.index, `${node.id} has dropped what no snapshot covers`);
      assert(registers.applied <= last || isImpaired, `${node.id} has applied what its log does not hold`);
      assert(registers.applied >= first - 1, `${node.id} has dropped what it has not applied`);
      const { view, member } = node;
      if (member === null || view === null) continue;
      const { applied, applying, committed } = view.log;
      const isOrdered = applied <= applying && applying <= committed && committed <= view.log.lastIndex();
      assert(isOrdered, `${node.id}: applied ${applied}, applying ${applying}, committed ${committed}`);
    }
  }
}

function digestOf({ kind, data }: Entry): number {
  let hash = 0x811c9dc5 ^ kind.length;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
