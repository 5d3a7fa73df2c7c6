import { assert } from '#agent/base/assert.ts';
import { crc32c } from '#agent/base/crc32c.ts';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import { agentId, type AgentId } from '#agent/mesh/swim/agent-id.ts';
import { decodeMessage, encodeMessage } from '#agent/mesh/swim/codec.ts';
import type { SwimEffect } from '#agent/mesh/swim/effect.ts';
import type { SwimEvent } from '#agent/mesh/swim/event.ts';
import { edgeLan, type SwimParameters } from '#agent/mesh/swim/parameters.ts';
import { Swim } from '#agent/mesh/swim/swim.ts';
import { calm, Network, type Weather } from './network.ts';
import { Timeline } from '../timeline.ts';

/** One machine with its disk and its clock. */
export interface Place {
  readonly index: number;
  readonly agent: AgentId;
  address: string;
  swim: Swim | null;
  /** What its disk remembers of incarnations; survives crashes. */
  ceiling: number;
  /** Its monotonic clock = virtual time − this. Anew with every life. */
  clockZero: number;
  pausedUntil: number;
  /** Events that wait for the end of a pause, as in socket buffers. */
  readonly waiting: SwimEvent[];
  wakeAt: number;
  sentMessages: number;
  sentBytes: number;
}

export interface SiteOptions {
  readonly seed: number;
  readonly size: number;
  readonly weather?: Partial<Weather>;
  readonly parameters?: Partial<SwimParameters>;
  /** Of an agent; else gw-0, gw-1 … */
  readonly nameOf?: (index: number) => string;
}

/** Told of everything each machine does; throws to end the run. */
export interface Witness {
  stepped(place: Place, event: SwimEvent, effects: readonly SwimEffect[]): void;
}

/** The production machines under virtual time, network and disks. One seed decides everything. */
export class Site {
  readonly timeline = new Timeline();
  readonly random: Prng;
  readonly network: Network;
  readonly places: readonly Place[];
  readonly parameters: SwimParameters;
  readonly witnesses: Witness[] = [];
  readonly #byAddress = new Map<string, Place>();
  readonly #byAgent = new Map<AgentId, Place>();
  #trace = 0;

  constructor(options: SiteOptions) {
    this.random = new Prng(options.seed);
    this.parameters = { ...edgeLan, ...options.parameters };
    this.network = new Network({
      weather: { ...calm, ...options.weather },
      timeline: this.timeline,
      random: this.random,
      deliver: (to, from, bytes) => this.#deliver(to, from, bytes),
    });
    const nameOf = options.nameOf ?? ((index: number): string => `gw-${index}`);
    this.places = Array.from({ length: options.size }, (_, index) => this.#place(index, nameOf(index)));
  }

  get now(): number {
    return this.timeline.now;
  }

  /** Same seed, same hash: of every message, change and note with its time. */
  get trace(): number {
    return this.#trace;
  }

  get alive(): Place[] {
    return this.places.filter((place) => place.swim !== null);
  }

  start(index: number, seeds: readonly number[] = [0, 1]): void {
    const place = this.places[index]!;
    assert(place.swim === null, 'a running agent is not started');
    place.clockZero = this.now - 1000 * this.random.float();
    place.pausedUntil = 0;
    place.swim = new Swim({
      self: place.agent,
      address: place.address,
      attributes: '',
      seeds: seeds.filter((seed) => seed !== index).map((seed) => this.places[seed]!.address),
      incarnationCeiling: place.ceiling,
      parameters: this.parameters,
      entropy: new Prng(this.random.uint32()),
    });
    this.happen(index, { kind: 'start' });
  }

  startAll(): void {
    for (const { index } of this.places) this.start(index);
  }

  /** Power cut: silence. With `refusing` the process dies alone and its host refuses whoever had a link to it. */
  crash(index: number, { refusing = false } = {}): void {
    const place = this.places[index]!;
    place.swim = null;
    place.waiting.length = 0;
    place.wakeAt = Infinity;
    if (!refusing) return;
    for (const other of this.alive) {
      if (this.network.isCut(index, other.index)) continue;
      this.timeline.after(1 + this.random.float() * 5, () =>
        this.happen(other.index, { kind: 'link-lost', agent: place.agent, refused: place.swim === null }),
      );
    }
  }

  /** SIGSTOP for that long. */
  pause(index: number, spanMs: number): void {
    const place = this.places[index]!;
    place.pausedUntil = this.now + spanMs;
    this.timeline.at(place.pausedUntil, () => this.#resume(place));
  }

  /** The machine's monotonic clock jumps, as over a suspend; negative: a host that breaks its promise. */
  stepClock(index: number, spanMs: number): void {
    const place = this.places[index]!;
    place.clockZero -= spanMs;
    place.wakeAt = Infinity;
    this.happen(index, { kind: 'tick' });
  }

  happen(index: number, event: SwimEvent): void {
    const place = this.places[index]!;
    if (place.swim === null) return;
    if (place.pausedUntil > this.now) {
      if (event.kind !== 'tick') place.waiting.push(event);
      return;
    }
    const effects = place.swim.step(event, millis(this.#clockOf(place)));
    for (const effect of effects) this.#carryOut(place, effect);
    for (const witness of this.witnesses) witness.stepped(place, event, effects);
    this.#schedule(place);
  }

  run(spanMs: number): void {
    this.timeline.runUntil(this.now + spanMs);
  }

  /** Milliseconds until the condition holds, looked at every `everyMs`; Infinity when not within `limitMs`. */
  runUntil(isDone: () => boolean, limitMs: number, everyMs = 10): number {
    const from = this.now;
    while (!isDone()) {
      if (this.now - from >= limitMs) return Infinity;
      this.run(everyMs);
    }
    return this.now - from;
  }

  /** Every running agent holds every other running agent alive, and everybody else gone. */
  isOfOneMind(): boolean {
    const running = new Set(this.alive.map((place) => place.agent));
    return this.alive.every((place) => {
      const { members } = place.swim!.inspect();
      const alive = members.filter((member) => member.state === 'alive');
      const suspect = members.some((member) => member.state === 'suspect');
      return (
        !suspect && alive.length === running.size - 1 && alive.every((member) => running.has(member.agent))
      );
    });
  }

  #place(index: number, name: string): Place {
    const agent = agentId(name);
    const place: Place = {
      index,
      agent,
      address: `10.0.0.${index}:7435`,
      swim: null,
      ceiling: 0,
      clockZero: 0,
      pausedUntil: 0,
      waiting: [],
      wakeAt: Infinity,
      sentMessages: 0,
      sentBytes: 0,
    };
    this.#byAddress.set(place.address, place);
    this.#byAgent.set(agent, place);
    return place;
  }

  #carryOut(place: Place, effect: SwimEffect): void {
    switch (effect.kind) {
      case 'persist':
        place.ceiling = effect.incarnationCeiling;
        break;
      case 'send': {
        const bytes = encodeMessage(effect.message);
        place.sentMessages++;
        place.sentBytes += bytes.length;
        this.#hash(place, bytes);
        const byAddress = effect.address === null ? undefined : this.#byAddress.get(effect.address);
        const to = effect.to === null ? byAddress : (this.#byAgent.get(effect.to) ?? byAddress);
        if (to !== undefined) this.network.send(place.index, to.index, bytes);
        break;
      }
      case 'departed':
        place.swim = null;
        break;
      case 'member':
      case 'forgotten':
      case 'note':
        this.#hash(place, new TextEncoder().encode(JSON.stringify(effect)));
        break;
    }
  }

  #hash(place: Place, bytes: Uint8Array): void {
    const stamp = new Float64Array([this.now, place.index]);
    this.#trace = crc32c(bytes, crc32c(new Uint8Array(stamp.buffer), this.#trace));
  }

  #deliver(to: number, from: number, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes);
    assert(decoded.ok, `a message of ours decodes: ${decoded.ok ? '' : decoded.error.detail}`);
    this.happen(to, { kind: 'receive', from: this.places[from]!.agent, message: decoded.value });
  }

  #resume(place: Place): void {
    if (place.pausedUntil > this.now) return;
    for (const event of place.waiting.splice(0)) this.happen(place.index, event);
    this.happen(place.index, { kind: 'tick' });
  }

  /** A deadline that rang is over, though sum and difference with `clockZero` may round apart. */
  #clockOf(place: Place): number {
    const deadline = place.swim?.nextDeadline() ?? null;
    const clock = this.now - place.clockZero;
    const hasRung = deadline !== null && deadline + place.clockZero <= this.now;
    return hasRung ? Math.max(clock, deadline) : clock;
  }

  #schedule(place: Place): void {
    const deadline = place.swim?.nextDeadline() ?? null;
    if (deadline === null) return;
    const at = deadline + place.clockZero;
    if (at >= place.wakeAt) return;
    place.wakeAt = at;
    this.timeline.at(at, () => this.#wake(place, at));
  }

  /** Alarms are not cancelled: one that rings early looks again. */
  #wake(place: Place, at: number): void {
    if (place.wakeAt !== at) return;
    place.wakeAt = Infinity;
    const deadline = place.swim?.nextDeadline() ?? null;
    if (deadline === null) return;
    if (deadline + place.clockZero <= this.now) this.happen(place.index, { kind: 'tick' });
    else this.#schedule(place);
  }
}
