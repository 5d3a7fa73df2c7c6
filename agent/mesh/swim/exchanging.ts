import type { AgentId } from './agent-id.ts';
import { compareStanding, isPresent, type Claim } from './claim.ts';
import { claimBytes } from './codec.ts';
import type { Core } from './core.ts';
import { cellOf, differingCells, digestOf, hasCell } from './digest.ts';
import { limits } from './limits.ts';
import type { Member } from './member-table.ts';
import type { Message } from './message.ts';

type State = Extract<Message, { kind: 'state' }>;

/** Room for the head of a `state` message. */
const headBytes = 16;

/**
 * Anti-entropy: what gossip missed is found by comparing digests, and only what differs travels. Carries joining (a digest
 * sent to a seed) and the way back after a split (a digest sent to somebody unreachable, or to a seed we do not see) too.
 */
export class Exchanging {
  readonly #core: Core;
  #exchangeAt = Infinity;
  #reconnectAt = Infinity;
  #joinAt = Infinity;
  #joinWaitMs = 0;
  #windowFrom = -Infinity;
  #windowAnswers = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  start(): void {
    const { now, parameters } = this.#core;
    this.#exchangeAt = now + this.#jittered(this.#intervalMs());
    this.#reconnectAt = now + this.#jittered(parameters.reconnectIntervalMs);
    this.joinSoon();
  }

  stop(): void {
    this.#exchangeAt = this.#reconnectAt = this.#joinAt = Infinity;
  }

  joinSoon(): void {
    this.#joinAt = this.#core.now;
    this.#joinWaitMs = this.#core.parameters.joinRetryMs;
  }

  /** We stood still and have missed news. */
  exchangeSoon(): void {
    if (this.#exchangeAt < Infinity) this.#exchangeAt = this.#core.now;
  }

  dueAt(): number {
    return Math.min(this.#exchangeAt, this.#reconnectAt, this.#joinAt);
  }

  runDue(): void {
    const core = this.#core;
    if (this.#exchangeAt <= core.now) {
      this.#exchangeAt = core.now + this.#jittered(this.#intervalMs());
      this.#withOne((member) => member.state === 'alive');
    }
    if (this.#reconnectAt <= core.now) {
      this.#reconnectAt = core.now + this.#jittered(core.parameters.reconnectIntervalMs);
      this.#withOne((member) => member.state === 'unreachable');
      this.#askAbsentSeed();
    }
    if (this.#joinAt <= core.now) this.#join();
  }

  /** Our digest to that agent; `agent` null: to a seed. */
  compareWith(agent: AgentId | null, address: string | null): void {
    const core = this.#core;
    const claims = core.claimsFor(agent, [core.ownClaim()]);
    core.send({ agent, address }, { kind: 'digest', cells: digestOf(this.#everything()), claims });
  }

  /** `address` answers one whom we do not know yet. */
  answerDigest(from: AgentId, theirs: readonly number[], address: string | null): void {
    const mask = differingCells(digestOf(this.#everything()), theirs);
    if (mask === 0 || !this.#mayAnswer()) return;
    for (const message of this.#frames(mask)) this.#core.send({ agent: from, address }, message);
  }

  /** After their claims have been heard: what we hold better, or they lack. */
  answerState(from: AgentId, state: State): void {
    if (!state.answer || !this.#mayAnswer()) return;
    const theirs = new Map(state.claims.map((claim) => [claim.agent, claim]));
    const better: Claim[] = [];
    for (const ours of this.#everything()) {
      const known = theirs.get(ours.agent);
      const isMissing = known === undefined && hasCell(state.cells, cellOf(ours.agent));
      if (isMissing || (known !== undefined && isBetter(ours, known))) better.push(ours);
    }
    const core = this.#core;
    for (const claims of packed(better).slice(0, limits.stateFramesMax))
      core.send(
        { agent: from, address: core.addressOf(from) },
        { kind: 'state', cells: 0, answer: false, claims },
      );
  }

  #join(): void {
    const core = this.#core;
    this.#joinAt = Infinity;
    if (core.seeds.length === 0) return;
    if (core.table.present > 0) {
      // Looked at again, so that an agent left alone later asks its seeds.
      this.#joinWaitMs = core.parameters.joinRetryMs;
    } else {
      const first = Math.floor(core.entropy.float() * core.seeds.length);
      for (let i = 0; i < Math.min(3, core.seeds.length); i++)
        this.compareWith(null, core.seeds[(first + i) % core.seeds.length]!);
    }
    this.#joinAt = core.now + this.#jittered(this.#joinWaitMs);
    this.#joinWaitMs = Math.min(core.parameters.joinRetryMsMax, this.#joinWaitMs * 2);
  }

  /**
   * Agents that began on the wrong side of a split know only each other: to the rest they are strangers, or have left, and nobody there tries
   * them. So a seed that is no member we hold present is asked now and then.
   */
  #askAbsentSeed(): void {
    const { seeds, table, entropy } = this.#core;
    const known = new Set<string>();
    for (const { state, details } of table.values())
      if (isPresent(state) || state === 'unreachable') known.add(details.address);
    const absent = seeds.filter((address) => !known.has(address));
    if (absent.length === 0) return;
    this.compareWith(null, absent[Math.floor(entropy.float() * absent.length)]!);
  }

  #withOne(isEligible: (member: Member) => boolean): void {
    for (const member of this.#core.table.draw(1, this.#core.entropy, isEligible))
      this.compareWith(member.agent, this.#core.addressOf(member.agent));
  }

  *#everything(): Generator<Claim> {
    const core = this.#core;
    yield core.ownClaim();
    for (const member of core.table.values()) yield core.claimAbout(member);
  }

  /** Whole cells a frame, from a random cell on, so that a table too large for one answer still gets across in several. */
  #frames(mask: number): State[] {
    const byCell = new Map<number, Claim[]>();
    for (const claim of this.#everything()) {
      const cell = cellOf(claim.agent);
      if (!hasCell(mask, cell)) continue;
      const list = byCell.get(cell);
      if (list === undefined) byCell.set(cell, [claim]);
      else list.push(claim);
    }
    const frames: { cells: number; claims: Claim[]; bytes: number }[] = [];
    const first = Math.floor(this.#core.entropy.float() * limits.digestCells);
    for (let i = 0; i < limits.digestCells; i++) {
      const cell = (first + i) % limits.digestCells;
      if (!hasCell(mask, cell)) continue;
      const pieces = packed(byCell.get(cell) ?? []);
      const isWhole = pieces.length <= 1;
      for (const claims of isWhole ? [pieces[0] ?? []] : pieces) {
        const bytes = totalBytes(claims);
        let frame = frames.at(-1);
        if (frame === undefined || frame.bytes + bytes > limits.messageBytesMax - headBytes)
          frames.push((frame = { cells: 0, claims: [], bytes: 0 }));
        frame.claims.push(...claims);
        frame.bytes += bytes;
        if (isWhole) frame.cells = (frame.cells | (1 << cell)) >>> 0;
      }
    }
    return frames
      .slice(0, limits.stateFramesMax)
      .map(({ cells, claims }) => ({ kind: 'state', cells, answer: true, claims }));
  }

  #mayAnswer(): boolean {
    const { now } = this.#core;
    if (now - this.#windowFrom >= 1000) {
      this.#windowFrom = now;
      this.#windowAnswers = 0;
    }
    return this.#windowAnswers++ < limits.stateAnswersPerSecondMax;
  }

  /** Above 32 agents exchanges get rarer, as gossip reaches further with each agent. */
  #intervalMs(): number {
    const { present, parameters } = this.#core;
    const factor = present <= 32 ? 1 : Math.ceil(Math.log2(present) - 5) + 1;
    return parameters.exchangeIntervalMs * factor;
  }

  #jittered(spanMs: number): number {
    return spanMs * (0.9 + 0.2 * this.#core.entropy.float());
  }
}

function isBetter(ours: Claim, theirs: Claim): boolean {
  const comparison = compareStanding(ours, theirs);
  return comparison > 0 || (comparison === 0 && ours.details !== null && theirs.details === null);
}

const totalBytes = (claims: readonly Claim[]): number =>
  claims.reduce((sum, claim) => sum + claimBytes(claim), 0);

/** In lists that each fit a frame. */
function packed(claims: readonly Claim[]): Claim[][] {
  const lists: Claim[][] = [];
  let left = 0;
  for (const claim of claims) {
    const bytes = claimBytes(claim);
    if (lists.length === 0 || bytes > left) {
      lists.push([]);
      left = limits.messageBytesMax - headBytes;
    }
    lists.at(-1)!.push(claim);
    left -= bytes;
  }
  return lists;
}
