import { Prng } from '#agent/base/prng.ts';
import { assert } from '#agent/base/assert.ts';
import type { Entry } from '#agent/mesh/raft/entry.ts';
import { emptyRecord, isMember, type MembershipRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import type { Note } from '#agent/mesh/raft/note.ts';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import { Timeline } from '../timeline.ts';
import type { CrashOptions, DiskEvent, Write } from './member-disk.ts';
import { Invariants } from './invariants.ts';
import { Network } from './network.ts';
import { SimNode } from './node.ts';
import { Registers } from './registers.ts';
import { plainSettings, type SimSettings } from './settings.ts';
import type { NodeWitness } from './witness.ts';

/** What every first member starts from: the voters, as a snapshot at this index. */
const bootstrap = { index: 1, term: 1 };
/** A snapshot on its way is given up after so many ticks, if it does not arrive. */
const snapshotPatience = 20;

/** Of all members together. Busy ones send some hundreds; messages that feed on each other know no end. */
const messagesInTickMax = 10_000;

/** A group of members on a simulated network, clock and disks; everything that happens follows from the seed. */
export class Cluster implements NodeWitness {
  readonly settings: SimSettings;
  readonly timeline = new Timeline();
  readonly random: Prng;
  readonly network: Network;
  /** By id; the removed and the damaged stay, their disks are evidence. */
  readonly nodes = new Map<number, SimNode>();
  readonly invariants = new Invariants(this.nodes);
  /** Digest of everything that happened; two runs of one seed agree on it. */
  trace = 0x811c9dc5;
  readonly counts = {
    messages: 0,
    elections: 0,
    snapshots: 0,
    changes: 0,
    crashes: 0,
    entries: 0,
    diskLosses: 0,
    doubts: 0,
    damages: 0,
    heals: 0,
    ruins: 0,
  };
  /** The membership after the last applied change that any member has seen. */
  newest: { readonly index: number; readonly membership: MembershipRecord };
  /** Called for every note of every member; for scripted stories. */
  onApplied: (node: SimNode, index: number) => void = () => undefined;
  onNote: (node: SimNode, note: Note) => void = () => undefined;
  #order = 0;
  #sentInTick = 0;

  constructor(options: { readonly seed: number; readonly settings?: Partial<SimSettings> }) {
    this.settings = { ...plainSettings, ...options.settings };
    this.random = new Prng(options.seed);
    this.network = new Network({
      timeline: this.timeline,
      random: this.random,
      deliver: (message) => this.#deliver(message),
      lost: (message) => this.#lost(message),
    });
    this.network.weather = this.settings.weather;
    const voters = Array.from({ length: this.settings.voters }, (_, at) => peerId(at + 1));
    const membership = { ...emptyRecord, voters };
    this.newest = { index: bootstrap.index, membership };
    this.invariants.begin(bootstrap.index, bootstrap.term);
    for (const id of voters) this.#bootstrap(this.add(id), membership);
  }

  get now(): number {
    return this.timeline.now;
  }
  get running(): SimNode[] {
    return [...this.nodes.values()].filter((node) => node.member !== null);
  }
  /** The leader of the highest term, among those that run. */
  get leader(): SimNode | undefined {
    let leader: SimNode | undefined;
    for (const node of this.nodes.values())
      if (node.isLeader && (leader === undefined || node.view!.term > leader.view!.term)) leader = node;
    return leader;
  }

  /** Rises with every call: an order of what happens, also within one tick. */
  nextOrder(): number {
    return ++this.#order;
  }

  node(id: number): SimNode {
    const node = this.nodes.get(id);
    assert(node !== undefined, `there is no member ${id}`);
    return node;
  }

  /** A process with an empty disk, not started. */
  add(id: number = this.nodes.size + 1): SimNode {
    assert(!this.nodes.has(id), `the id ${id} is used once for all time`);
    const node = new SimNode({
      id,
      settings: this.settings,
      timeline: this.timeline,
      seed: this.random.uint32(),
      witness: this,
    });
    this.nodes.set(id, node);
    return node;
  }

  #bootstrap(node: SimNode, membership: MembershipRecord): void {
    const registers = new Registers();
    registers.applied = bootstrap.index;
    registers.membership = membership;
    const write: Write = {
      hardState: { term: bootstrap.term, vote: peerId(0), commit: bootstrap.index },
      entries: [],
      snapshot: { id: bootstrap, membership, data: registers.toBytes() },
      mustSync: true,
    };
    assert(node.disk.writeNow(write), 'an empty disk has room');
  }

  start(id: number): boolean {
    return this.node(id).start();
  }

  startAll(): this {
    for (const id of this.nodes.keys()) this.start(id);
    return this;
  }

  crash(id: number, options: CrashOptions = { mayTear: false }): void {
    this.counts.crashes++;
    this.mix(0xdead, id, 0);
    this.node(id).crash(options);
  }

  /** Ticks of the group's clock; the invariants are swept after each. */
  run(ticks: number): void {
    for (let at = 0; at < ticks; at++) {
      this.#sentInTick = 0;
      this.timeline.runUntil(Math.floor(this.timeline.now) + 1);
      this.invariants.swept();
    }
  }

  /** Ticks it took; Infinity when it did not come about in time. */
  runUntil(isDone: () => boolean, ticksMax: number): number {
    for (let at = 0; at < ticksMax; at++) {
      if (isDone()) return at;
      this.run(1);
    }
    return isDone() ? ticksMax : Infinity;
  }

  isMember(id: number): boolean {
    return isMember(this.newest.membership, peerId(id));
  }

  started(node: SimNode): void {
    this.invariants.started(node);
  }

  befell(_node: SimNode, event: DiskEvent): void {
    this.counts[event]++;
  }

  /** Hosts help each other: a state machine that reaches far enough goes over, like any message. */
  wantsSnapshot(node: SimNode, from: number): void {
    const other = this.random.pick([...this.nodes.values()]);
    if (other === node || other.member === null || other.isPaused || other.registers.applied < from) return;
    const snapshot = other.snapshotNow();
    this.network.sendAside(other.id, node.id, () => node.heal(snapshot));
  }

  moved(node: SimNode): void {
    this.invariants.moved(node);
  }

  noted(node: SimNode, note: Note): void {
    if (note.kind === 'became-leader') this.counts.elections++;
    if (note.kind === 'snapshot-restored') this.counts.snapshots++;
    this.onNote(node, note);
  }

  wrote(node: SimNode, write: Write): void {
    this.counts.entries += write.entries.length;
    this.invariants.wrote(node, write);
  }

  sent(node: SimNode, message: PeerMessage): void {
    this.invariants.sent(node, message);
    this.counts.messages++;
    assert(
      ++this.#sentInTick <= messagesInTickMax,
      `a storm: the last is a ${message.type} from ${message.from} to ${message.to}`,
    );
    if (message.type === 'snapshot') this.#awaitSnapshot(node, message.to, message.snapshot.id.index);
    this.network.send(message);
  }

  /** The leader's host learns what became of a snapshot, sooner or later. */
  #awaitSnapshot(sender: SimNode, to: PeerId, index: number): void {
    const { member } = sender;
    const giveUpAt = this.now + snapshotPatience;
    const look = (): void => {
      if (sender.member !== member) return;
      const hasArrived = (this.nodes.get(to)?.disk.log.lastIndex() ?? 0) >= index;
      if (sender.isPaused || (!hasArrived && this.now < giveUpAt)) this.timeline.after(2, look);
      else sender.ask((asked) => asked.reportSnapshot(to, !hasArrived));
    };
    this.timeline.after(1, look);
  }

  applied(node: SimNode, entry: Entry): void {
    this.invariants.applied(node, entry);
    this.onApplied(node, entry.index);
    if (entry.index <= this.newest.index || node.registers.membership === this.newest.membership) return;
    this.newest = { index: entry.index, membership: node.registers.membership };
    if (entry.kind !== 'normal') this.counts.changes++;
  }

  restored(node: SimNode): void {
    const { applied, membership } = node.registers;
    if (applied > this.newest.index) this.newest = { index: applied, membership };
  }

  #deliver(message: PeerMessage): void {
    this.mix(message.to * 256 + message.from, message.term, message.type.length);
    this.nodes.get(message.to)?.receive(message);
  }

  #lost(message: PeerMessage): void {
    if (!this.random.chance(0.2)) return;
    // A host may notice. Later, as this comes from inside the sender's loop.
    this.timeline.after(0.01, () =>
      this.nodes.get(message.from)?.ask((member) => member.reportUnreachable(message.to)),
    );
  }

  mix(a: number, b: number, c: number): void {
    let hash = Math.imul(this.trace ^ a, 0x01000193);
    hash = Math.imul(hash ^ b, 0x01000193);
    hash = Math.imul(hash ^ c, 0x01000193);
    this.trace = Math.imul(hash ^ Math.floor(this.now * 1_000), 0x01000193) >>> 0;
  }
}
