import type { AgentId } from './agent-id.ts';
import { isPresent } from './claim.ts';
import type { Core } from './core.ts';
import type { Member } from './member-table.ts';
import type { Views } from './views.ts';

interface Probe {
  readonly target: AgentId;
  readonly sequence: number;
  /** Of all further attempts; their own number keeps round trips unambiguous. */
  readonly sequenceAgain: number;
  readonly sentAt: number;
  readonly endsAt: number;
  /** Infinity once help has been asked for. */
  directUntil: number;
  /** Infinity before help was asked for, and when all attempts are made. */
  repeatAt: number;
  repeatEveryMs: number;
  repeats: number;
  readonly helpers: Set<AgentId>;
  readonly nacked: Set<AgentId>;
}

/** One agent at a time is asked whether it lives: directly, then through others and again and again over both lanes, then blamed. */
export class Probing {
  readonly #core: Core;
  readonly #views: Views;
  #probe: Probe | null = null;
  #nextAt = Infinity;

  constructor(core: Core, views: Views) {
    this.#core = core;
    this.#views = views;
  }

  get target(): AgentId | null {
    return this.#probe?.target ?? null;
  }

  /** Agents started together shall not probe together. */
  start(): void {
    this.#nextAt = this.#core.now + this.#core.entropy.float() * this.#core.probeIntervalMs;
  }

  stop(): void {
    this.#probe = null;
    this.#nextAt = Infinity;
  }

  /** There is evidence against this agent: it is probed before the others, and now if nothing else is under way. */
  hasten(agent: AgentId): void {
    const member = this.#core.table.get(agent);
    if (member === undefined || !isPresent(member.state)) return;
    this.#core.order.hasten(agent);
    if (this.#probe === null && this.#nextAt < Infinity) this.#nextAt = this.#core.now;
  }

  /** We stood still: what we did not hear says nothing about the target. */
  abandon(): void {
    if (this.#nextAt === Infinity) return;
    this.#probe = null;
    this.#nextAt = this.#core.now + this.#core.probeIntervalMs;
  }

  dueAt(): number {
    const probe = this.#probe;
    return probe === null ? this.#nextAt : Math.min(probe.directUntil, probe.repeatAt, probe.endsAt);
  }

  runDue(): void {
    const now = this.#core.now;
    if (this.#probe !== null && this.#probe.endsAt <= now) this.#fail(this.#probe);
    if (this.#probe !== null && this.#probe.directUntil <= now) this.#askForHelp(this.#probe);
    if (this.#probe !== null && this.#probe.repeatAt <= now) this.#repeat(this.#probe);
    if (this.#probe === null && this.#nextAt <= now) this.#begin();
  }

  acknowledged(from: AgentId, sequence: number): void {
    const probe = this.#probe;
    if (probe === null) return;
    const isFirst = sequence === probe.sequence;
    const isDirect = from === probe.target && (isFirst || sequence === probe.sequenceAgain);
    if (!isDirect && !(isFirst && probe.helpers.has(from))) return;
    const core = this.#core;
    if (isDirect && isFirst) this.#measure(probe.target, core.now - probe.sentAt);
    core.health.add(-1);
    this.#probe = null;
    this.#nextAt = Math.max(core.now, probe.sentAt + core.probeIntervalMs);
  }

  nacked(from: AgentId, sequence: number): void {
    const probe = this.#probe;
    if (probe !== null && sequence === probe.sequence && probe.helpers.has(from)) probe.nacked.add(from);
  }

  #begin(): void {
    const core = this.#core;
    const { table } = core;
    const isProbed = (agent: AgentId): boolean => isPresent(table.get(agent)?.state ?? 'removed');
    const everybody = (): AgentId[] =>
      Array.from(table.values(), (member) => member.agent).filter((agent) => isProbed(agent));
    const target = core.order.take(isProbed, everybody);
    if (target === null) {
      this.#nextAt = core.now + core.probeIntervalMs;
      return;
    }
    const sequence = core.nextSequence();
    this.#probe = {
      target,
      sequence,
      sequenceAgain: core.nextSequence(),
      sentAt: core.now,
      directUntil: core.now + core.probeTimeoutMs,
      endsAt: core.now + core.probeIntervalMs * core.health.stretch,
      repeatAt: Infinity,
      repeatEveryMs: 0,
      repeats: 0,
      helpers: new Set(),
      nacked: new Set(),
    };
    const address = core.addressOf(target);
    core.send({ agent: target, address }, { kind: 'ping', sequence, claims: core.claimsFor(target) });
  }

  #askForHelp(probe: Probe): void {
    const core = this.#core;
    probe.directUntil = Infinity;
    const isHelper = (member: Member): boolean => member.state === 'alive' && member.agent !== probe.target;
    // A nack sent at the very end would come too late to count.
    const waitMs = Math.max(1, Math.floor((probe.endsAt - core.now) * 0.8));
    for (const helper of core.table.draw(core.parameters.indirectProbes, core.entropy, isHelper)) {
      probe.helpers.add(helper.agent);
      const claims = core.claimsFor(helper.agent);
      core.send(
        { agent: helper.agent, address: core.addressOf(helper.agent) },
        { kind: 'ping-request', sequence: probe.sequence, target: probe.target, waitMs, claims },
      );
    }
    probe.repeatAt = core.now;
    probe.repeatEveryMs = Math.max(1, (probe.endsAt - core.now) / core.parameters.repeatedPings);
  }

  /**
   * A lost packet is not a death: what is told to all because one ping and its answer were lost costs every agent, and there are as
   * many such probes a second as agents. Without news, which would be spent on one who may not hear it.
   */
  #repeat(probe: Probe): void {
    const core = this.#core;
    const lane = probe.repeats % 2 === 0 ? 'bulk' : 'control';
    probe.repeats++;
    const isOver = probe.repeats >= core.parameters.repeatedPings;
    probe.repeatAt = isOver ? Infinity : core.now + probe.repeatEveryMs;
    core.send(
      { agent: probe.target, address: core.addressOf(probe.target), lane },
      { kind: 'ping', sequence: probe.sequenceAgain, claims: core.accusationOf(probe.target) },
    );
  }

  #fail(probe: Probe): void {
    const core = this.#core;
    const missingNacks = probe.helpers.size - probe.nacked.size;
    core.health.add(probe.helpers.size === 0 ? 1 : missingNacks);
    this.#probe = null;
    this.#nextAt = core.now;
    core.note({ what: 'probe-failed', agent: probe.target, missingNacks });
    this.#views.accuse(probe.target, false);
  }

  #measure(agent: AgentId, spanMs: number): void {
    this.#core.roundTrips.add(spanMs);
    const member = this.#core.table.get(agent);
    if (member === undefined) return;
    const before = member.roundTripMs ?? spanMs;
    member.roundTripMs = before + (spanMs - before) / 8;
  }
}
