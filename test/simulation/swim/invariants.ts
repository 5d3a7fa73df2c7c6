import { assert } from '#agent/base/assert.ts';
import type { AgentId } from '#agent/mesh/swim/agent-id.ts';
import { compareStanding, isPresent, type Claim } from '#agent/mesh/swim/claim.ts';
import { claimBytes } from '#agent/mesh/swim/codec.ts';
import type { MemberView, SwimEffect } from '#agent/mesh/swim/effect.ts';
import type { SwimEvent } from '#agent/mesh/swim/event.ts';
import { limits } from '#agent/mesh/swim/limits.ts';
import type { Swim } from '#agent/mesh/swim/swim.ts';
import type { Place, Site, Witness } from './site.ts';

/** What one life of one agent has been told so far. */
interface Life {
  readonly swim: Swim;
  readonly views: Map<AgentId, MemberView>;
  ceiling: number;
}

/** Longest message that is not a `state`: news, our own claim, what the receiver is accused of, and heads. */
const smallMessageBytesMax = limits.gossipBytesMax + 1_500;
const sendsPerStepMax = 64;

/** What must hold after every step of every agent, whatever the weather. A broken one ends the run. */
export class Invariants implements Witness {
  readonly #site: Site;
  readonly #lives = new Map<Place, Life>();
  readonly #instances = new Map<string, number>();
  readonly #leaving = new Set<AgentId>();
  readonly #removed = new Set<AgentId>();
  readonly #wiped = new Set<AgentId>();
  readonly #subjects: ReadonlyMap<AgentId, Place>;
  #wasRefused = false;

  constructor(site: Site) {
    this.#site = site;
    this.#subjects = new Map(site.places.map((place) => [place.agent, place]));
  }

  /** This agent's disk has forgotten its incarnations: what rests on them is not asked of it any more. */
  wiped(place: Place): void {
    this.#wiped.add(place.agent);
  }

  stepped(place: Place, event: SwimEvent, effects: readonly SwimEffect[]): void {
    if (event.kind === 'leave') this.#leaving.add(place.agent);
    if (event.kind === 'remove') this.#removed.add(event.agent);
    if (event.kind === 'link-lost' && event.refused) this.#wasRefused = true;
    const life = this.#lifeOf(place);
    let sends = 0;
    for (const effect of effects) {
      if (effect.kind === 'persist') life.ceiling = effect.incarnationCeiling;
      if (effect.kind === 'member') this.#viewChanged(place, life, effect.member);
      if (effect.kind === 'forgotten') life.views.delete(effect.agent);
      if (effect.kind === 'send') {
        sends++;
        this.#sent(place, life, effect);
      }
    }
    assert(sends <= sendsPerStepMax, `${place.agent} sends ${sends} messages in one step`);
    const deadline = life.swim.nextDeadline();
    const clock = this.#site.now - place.clockZero;
    assert(deadline === null || deadline > clock - 1e-6, `${place.agent} leaves a deadline unserved`);
  }

  #lifeOf(place: Place): Life {
    const known = this.#lives.get(place);
    if (known !== undefined && (place.swim === null || known.swim === place.swim)) return known;
    assert(place.swim !== null, 'an agent that never ran does not step');
    const life: Life = { swim: place.swim, views: new Map(), ceiling: 0 };
    this.#lives.set(place, life);
    return life;
  }

  #viewChanged(place: Place, life: Life, member: MemberView): void {
    const what = `${place.agent} holds ${member.agent} ${member.state}@${member.incarnation}`;
    assert(member.agent !== place.agent, `${what}: itself`);
    const before = life.views.get(member.agent);
    if (before !== undefined) {
      assert(compareStanding(member, before) >= 0, `${what} after ${before.state}@${before.incarnation}`);
      if (member.state === 'unreachable' && isPresent(before.state)) this.#condemned(what, before, member);
    }
    life.views.set(member.agent, member);
    assert(member.state !== 'left' || this.#leaving.has(member.agent), `${what}, which never left`);
    assert(member.state !== 'removed' || this.#removed.has(member.agent), `${what}, which nobody removed`);
  }

  /** Hearsay kills nobody: there was a suspicion, at this agent, of at least the least length. */
  #condemned(what: string, before: MemberView, after: MemberView): void {
    const { refusedSuspicionMs, suspicionMultiplier, probeIntervalMs } = this.#site.parameters;
    assert(before.state === 'suspect', `${what} without having suspected it`);
    const leastMs = this.#wasRefused ? refusedSuspicionMs : suspicionMultiplier * probeIntervalMs;
    const spanMs = after.sinceAt - before.sinceAt;
    assert(spanMs >= leastMs - 1e-6, `${what} after a suspicion of ${spanMs} ms`);
  }

  #sent(place: Place, life: Life, effect: Extract<SwimEffect, { kind: 'send' }>): void {
    const { message } = effect;
    for (const claim of message.claims) this.#claimed(place, life, claim);
    if (message.kind === 'state') return;
    let bytes = 0;
    for (const claim of message.claims) bytes += claimBytes(claim);
    assert(bytes <= smallMessageBytesMax, `${place.agent} sends a ${message.kind} of ${bytes} bytes`);
  }

  #claimed(place: Place, life: Life, claim: Claim): void {
    if (this.#wiped.has(claim.agent)) return;
    const what = `${place.agent} says ${claim.agent} ${claim.state}@${claim.incarnation}`;
    if (claim.agent === place.agent)
      assert(claim.incarnation <= life.ceiling, `${what} above what its disk reserved (${life.ceiling})`);
    const subject = this.#subjects.get(claim.agent);
    assert(subject !== undefined && claim.incarnation <= subject.ceiling, `${what}, which it never was`);
    if (claim.details === null) return;
    const key = `${claim.agent}@${claim.incarnation}`;
    const instance = this.#instances.get(key) ?? claim.details.instance;
    assert(instance === claim.details.instance, `${what} in two lives`);
    this.#instances.set(key, instance);
  }
}
