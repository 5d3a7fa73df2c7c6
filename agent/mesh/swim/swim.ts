import { millis, type Millis } from '../../base/units.ts';
import { assert, unreachable } from '../../base/assert.ts';
import { Admission } from './admission.ts';
import type { AgentId } from './agent-id.ts';
import { Core, viewOf, type Phase, type SwimOptions } from './core.ts';
import type { MemberView, SuspicionView, SwimEffect } from './effect.ts';
import type { SwimEvent } from './event.ts';
import { Exchanging } from './exchanging.ts';
import { Gossiping } from './gossiping.ts';
import { limits } from './limits.ts';
import type { Message } from './message.ts';
import { Probing } from './probing.ts';
import { Relaying } from './relaying.ts';
import { Self } from './self.ts';
import { Views } from './views.ts';

export interface SwimInspection {
  readonly self: AgentId;
  readonly phase: Phase;
  readonly incarnation: number;
  readonly incarnationCeiling: number;
  /** 0 … 7; 0: we trust our own observations. */
  readonly health: number;
  readonly probing: AgentId | null;
  readonly probeTimeoutMs: number;
  /** Claims still being spread. */
  readonly spreading: number;
  readonly candidates: number;
  readonly relayedPings: number;
  /** Sorted by agent. */
  readonly members: readonly MemberView[];
  readonly suspicions: readonly SuspicionView[];
}

/** Review of flapping and of those gone for long. */
const sweepIntervalMs = 5_000;

/**
 * SWIM with Lifeguard as a pure machine: what happened and when goes in, what to do comes out. It reads no clock, draws
 * from the entropy it was given, and does nothing between steps.
 */
export class Swim {
  readonly #core: Core;
  readonly #self: Self;
  readonly #views: Views;
  readonly #admission: Admission;
  readonly #probing: Probing;
  readonly #relaying: Relaying;
  readonly #exchanging: Exchanging;
  readonly #gossiping: Gossiping;
  #sweepAt = Infinity;
  #leaveBy = Infinity;

  constructor(options: SwimOptions) {
    assert(options.seeds.length <= limits.seedsMax, 'seeds are within their bound');
    assert(options.incarnationCeiling <= limits.incarnationMax, 'incarnation is within its bound');
    this.#core = new Core(options);
    this.#self = new Self(this.#core);
    this.#views = new Views(this.#core);
    this.#admission = new Admission(this.#core, this.#views);
    this.#probing = new Probing(this.#core, this.#views);
    this.#relaying = new Relaying(this.#core);
    this.#exchanging = new Exchanging(this.#core);
    this.#gossiping = new Gossiping(this.#core);
  }

  /** `now` is monotonic; an earlier one than the last counts as the last. */
  step(event: SwimEvent, now: Millis): SwimEffect[] {
    const core = this.#core;
    core.now = Math.max(core.now, now);
    this.#forgivePause();
    // What was heard is taken in before deadlines pass judgement.
    this.#handle(event);
    this.#runDue();
    return core.takeEffects();
  }

  /** When the next `tick` is due; null: nothing to wait for. After a step it lies in the future. */
  nextDeadline(): Millis | null {
    const at = this.#dueAt();
    return at === Infinity ? null : millis(at);
  }

  inspect(): SwimInspection {
    const core = this.#core;
    const members = Array.from(core.table.values(), viewOf);
    return {
      self: core.self,
      phase: core.phase,
      incarnation: core.incarnation,
      incarnationCeiling: core.incarnationCeiling,
      health: core.health.score,
      probing: this.#probing.target,
      probeTimeoutMs: core.probeTimeoutMs,
      spreading: core.dissemination.length,
      candidates: this.#admission.waiting,
      relayedPings: this.#relaying.waiting,
      members: members.sort((a, b) => (a.agent < b.agent ? -1 : 1)),
      suspicions: this.#views.suspicions(),
    };
  }

  #handle(event: SwimEvent): void {
    const core = this.#core;
    switch (event.kind) {
      case 'start':
        this.#start();
        break;
      case 'receive':
        if (core.phase !== 'silent' && event.from !== core.self) this.#receive(event.from, event.message);
        break;
      case 'tick':
        break;
      case 'join':
        assert(event.seeds.length <= limits.seedsMax, 'seeds are within their bound');
        core.seeds = event.seeds;
        if (core.phase === 'running') this.#exchanging.joinSoon();
        break;
      case 'link-up':
        if (core.phase === 'running') this.#exchanging.compareWith(event.agent, core.addressOf(event.agent));
        break;
      case 'link-lost':
        if (core.phase !== 'running') break;
        if (event.refused) this.#views.accuse(event.agent, true);
        this.#probing.hasten(event.agent);
        break;
      case 'keep':
        core.table.setKept(event.agents);
        break;
      case 'remove':
        this.#remove(event.agent);
        break;
      case 'describe':
        this.#self.describe({
          ...core.details,
          address: event.address,
          attributes: event.attributes,
        });
        break;
      case 'leave':
        this.#leave();
        break;
      default:
        unreachable(event, 'swim step');
    }
  }

  #start(): void {
    const core = this.#core;
    if (core.phase !== 'silent' || this.#sweepAt < Infinity) return;
    core.phase = 'running';
    if (!this.#self.speakAnew(core.incarnationCeiling)) core.phase = 'silent';
    this.#sweepAt = core.now + sweepIntervalMs;
    this.#probing.start();
    this.#exchanging.start();
  }

  #leave(): void {
    const core = this.#core;
    if (core.phase !== 'running') return;
    core.phase = 'leaving';
    core.dissemination.put(core.ownClaim());
    this.#probing.stop();
    this.#exchanging.stop();
    this.#leaveBy = core.now + core.parameters.leaveMs;
  }

  #remove(agent: AgentId): void {
    const core = this.#core;
    if (agent !== core.self) {
      this.#views.remove(agent);
    } else if (core.phase !== 'silent') {
      core.phase = 'silent';
      core.note({ what: 'removed-ourselves' });
    }
  }

  #receive(from: AgentId, message: Message): void {
    const core = this.#core;
    let theirAddress = core.addressOf(from);
    for (const claim of message.claims) {
      if (claim.agent === core.self) this.#self.hear(claim);
      else if (claim.agent === from) {
        theirAddress ??= claim.details?.address ?? null;
        this.#admission.hear(claim);
      } else this.#views.hear(claim);
    }
    if (core.phase === 'silent') return;
    switch (message.kind) {
      case 'ping':
        core.send(
          { agent: from, address: theirAddress },
          { kind: 'ack', sequence: message.sequence, claims: core.claimsFor(from) },
        );
        return;
      case 'ping-request':
        this.#relaying.asked(from, message);
        return;
      case 'ack':
        this.#probing.acknowledged(from, message.sequence);
        this.#relaying.acknowledged(from, message.sequence);
        this.#admission.acknowledged(from, message.sequence);
        break;
      case 'nack':
        this.#probing.nacked(from, message.sequence);
        break;
      case 'gossip':
        break;
      case 'digest':
        this.#exchanging.answerDigest(from, message.cells, theirAddress);
        break;
      case 'state':
        this.#exchanging.answerState(from, message);
        break;
    }
    this.#tellAccused(from);
  }

  /** Whoever speaks to us while we hold it for anything but alive is told so, and can refute. At most once an interval. */
  #tellAccused(agent: AgentId): void {
    const core = this.#core;
    const member = core.table.get(agent);
    if (member === undefined || member.state === 'alive') return;
    if (core.now - member.toldAt < core.parameters.probeIntervalMs) return;
    member.toldAt = core.now;
    const claims = core.claimsFor(agent);
    core.send({ agent, address: core.addressOf(agent) }, { kind: 'gossip', claims });
  }

  /** Deadlines missed by far mean that we stood still, not that others did. */
  #forgivePause(): void {
    const core = this.#core;
    const lateMs = core.now - this.#dueAt();
    if (!(lateMs > core.parameters.pauseMs)) return;
    this.#views.postponeSuspicions(lateMs);
    this.#admission.postpone(lateMs);
    this.#relaying.forget();
    this.#probing.abandon();
    this.#exchanging.exchangeSoon();
    core.health.add(1);
    core.note({ what: 'paused', spanMs: lateMs });
  }

  #dueAt(): number {
    if (this.#core.phase === 'silent') return Infinity;
    return Math.min(
      this.#probing.dueAt(),
      this.#relaying.dueAt(),
      this.#admission.dueAt(),
      this.#views.condemnAt(),
      this.#exchanging.dueAt(),
      this.#gossiping.dueAt(),
      this.#sweepAt,
      this.#leaveBy,
    );
  }

  #runDue(): void {
    const core = this.#core;
    if (core.phase === 'silent') return;
    this.#probing.runDue();
    this.#relaying.runDue();
    this.#admission.runDue();
    this.#views.condemn();
    this.#exchanging.runDue();
    if (this.#sweepAt <= core.now) {
      this.#sweepAt = core.now + sweepIntervalMs;
      this.#views.sweep();
    }
    // Last, so that what this step found out leaves with it.
    this.#gossiping.runDue();
    const isSaid = this.#leaveBy < Infinity && !core.dissemination.has(core.self);
    if (isSaid || this.#leaveBy <= core.now) {
      this.#leaveBy = Infinity;
      core.departed();
    }
  }
}
